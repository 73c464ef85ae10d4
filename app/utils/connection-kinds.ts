import type { ProviderKind } from '#shared/catalog'

interface ConnectionKind {
  label: string
  /** Whether its address must be given, may be given, or is not asked for. */
  baseUrl: 'required' | 'optional' | 'none'
  /** An address to follow. */
  example: string
  models: 'deployments' | 'list' | 'none'
}

/** What the form asks for each kind of provider. */
export const connectionKinds: Record<ProviderKind, ConnectionKind> = {
  'openai': { label: 'OpenAI', baseUrl: 'optional', example: 'https://api.openai.com/v1', models: 'none' },
  'azure': { label: 'Azure OpenAI', baseUrl: 'required', example: 'https://your-resource.openai.azure.com', models: 'deployments' },
  'anthropic': { label: 'Anthropic', baseUrl: 'optional', example: 'https://api.anthropic.com', models: 'none' },
  'google': { label: 'Google Gemini', baseUrl: 'optional', example: 'https://generativelanguage.googleapis.com', models: 'none' },
  'openai-compatible': { label: 'OpenAI-compatible', baseUrl: 'required', example: 'http://localhost:11434/v1', models: 'list' },
  'demo': { label: 'Demo', baseUrl: 'none', example: '', models: 'none' }
}

/** Reads the models somebody listed, one a line; of Azure as `deployment = model`. */
export function readModelConfig(kind: ProviderKind, text: string): Record<string, unknown> {
  const lines = text.split('\n').map(line => line.trim()).filter(Boolean)
  if (connectionKinds[kind].models === 'list') return { models: lines }
  if (connectionKinds[kind].models === 'none') return {}
  return {
    deployments: Object.fromEntries(lines.map((line) => {
      const [deployment = '', model = deployment] = line.split('=').map(part => part.trim())
      return [deployment, model]
    }))
  }
}

/** The other way round. */
export function writeModelConfig(kind: ProviderKind, config: Record<string, unknown>): string {
  const { models, deployments } = config
  if (connectionKinds[kind].models === 'list') return Array.isArray(models) ? models.join('\n') : ''
  if (connectionKinds[kind].models === 'none' || typeof deployments !== 'object' || deployments === null) return ''
  return Object.entries(deployments).map(([deployment, model]) => `${deployment} = ${model}`).join('\n')
}
