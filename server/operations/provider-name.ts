import type { Connection } from '../gateway/providers/provider'

/** The conventions' own names of kinds; the others are called as they are here. */
const names: Partial<Record<Connection['kind'], string>> = { azure: 'azure.ai.openai', google: 'gcp.gemini' }

/** And of those behind an OpenAI-compatible address. OpenRouter has none there, and a name that says more than the format. */
const hosts: Readonly<Record<string, string>> = {
  'api.anthropic.com': 'anthropic',
  'api.cohere.ai': 'cohere',
  'api.cohere.com': 'cohere',
  'api.deepseek.com': 'deepseek',
  'api.groq.com': 'groq',
  'api.mistral.ai': 'mistral_ai',
  'api.moonshot.ai': 'moonshot_ai',
  'api.moonshot.cn': 'moonshot_ai',
  'api.openai.com': 'openai',
  'api.perplexity.ai': 'perplexity',
  'api.x.ai': 'x_ai',
  'generativelanguage.googleapis.com': 'gcp.gemini',
  'openrouter.ai': 'openrouter'
}

/** A connection's provider as OpenTelemetry names it (`gen_ai.provider.name`). */
export function providerName({ kind, baseUrl }: Pick<Connection, 'kind' | 'baseUrl'>): string {
  const host = kind === 'openai-compatible' && baseUrl !== null && URL.canParse(baseUrl) ? hosts[new URL(baseUrl).hostname] : undefined
  return host ?? names[kind] ?? kind
}
