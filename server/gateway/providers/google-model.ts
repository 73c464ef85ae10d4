import type { ChatRequest } from './chat-request'

/**
 * What a Gemini model can do, told by the version in its name: Google's API refuses settings that a model does not
 * know. A Gemini without a version (`gemini-flash-latest`) counts as newest.
 * Source: Google's thinking guide and model pages, ai.google.dev/gemini-api/docs, read 2026-11.
 */
interface GeminiTraits {
  thinks: 'never' | 'budget' | 'level'
  /** Pro models cannot answer without thinking. */
  isPro: boolean
  /** Major × 100 + minor. */
  version: number
}

function traitsOf(model: string): GeminiTraits | undefined {
  const name = model.replace(/^models\//, '')
  if (!name.startsWith('gemini-')) return undefined
  const found = /(\d+)(?:\.(\d+))?/.exec(name)
  const version = found ? Number(found[1]) * 100 + Number(found[2] ?? 0) : Number.POSITIVE_INFINITY
  const speaks = !/image|tts|embedding|audio/.test(name)
  return { thinks: !speaks || version < 205 ? 'never' : version < 300 ? 'budget' : 'level', isPro: name.includes('-pro'), version }
}

/** The most tokens a Gemini model writes, its thoughts included; undefined for a model of another family. */
export function geminiOutputLimit(model: string): number | undefined {
  const traits = traitsOf(model)
  return traits && (traits.version < 205 ? 8_192 : 65_536)
}

/** Whether it can think before it answers; undefined for a model of another family. */
export function geminiThinks(model: string): boolean | undefined {
  const traits = traitsOf(model)
  return traits && traits.thinks !== 'never'
}

/**
 * The window of those since 2.5, where the packaged catalogue does not tell it; undefined for all others.
 * Source: the model pages of ai.google.dev/gemini-api/docs/models, read 2026-11.
 */
export function geminiWindow(model: string): number | undefined {
  return geminiThinks(model) ? 1_048_576 : undefined
}

/** Whether a replayed tool call must carry the signature of the thought that led to it. */
export function demandsThoughtSignatures(model: string): boolean {
  return (traitsOf(model)?.version ?? 0) >= 300
}

/** Whether it can be held to JSON while it has tools: older ones refuse the call. Source: ai.google.dev/gemini-api/docs/structured-output, "Structured outputs with tools", read 2026-11; python-genai#867. */
export function holdsToJsonBesideTools(model: string): boolean {
  return (traitsOf(model)?.version ?? 0) >= 300
}

const budgets = { none: 0, minimal: 1_024, low: 1_024, medium: 8_192, high: 24_576, xhigh: 24_576 }
/** The least a Pro of the 2.5 generation thinks. */
const LEAST_PRO_BUDGET = 128

/** `thinkingConfig` for an effort, as Google's own OpenAI endpoint reads it. Undefined: the model thinks as it does by default, if it does. */
export function thinkingConfig({ reasoning_effort: effort }: ChatRequest, model: string): Record<string, unknown> | undefined {
  const traits = traitsOf(model)
  if (!effort || !traits || traits.thinks === 'never') return undefined
  const includeThoughts = effort !== 'none'
  if (traits.thinks === 'level') return { thinkingLevel: levelFor(effort, traits), includeThoughts }
  return { thinkingBudget: Math.max(budgets[effort], traits.isPro ? LEAST_PRO_BUDGET : 0), includeThoughts }
}

function levelFor(effort: NonNullable<ChatRequest['reasoning_effort']>, { isPro, version }: GeminiTraits): string {
  if (effort === 'none' || effort === 'minimal') return isPro || version >= 307 ? 'low' : 'minimal'
  // The first of the generation knew no middle.
  if (effort === 'medium') return isPro && version < 301 ? 'high' : 'medium'
  return effort === 'xhigh' ? 'high' : effort
}
