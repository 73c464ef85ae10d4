import { fieldOf } from '../field-of'
import type { Turn } from './anthropic-messages'
import type { ChatRequest } from './chat-request'
import { requestedMaxTokens } from './chat-request'

/**
 * What a Claude model can do, told by the version in its name: Anthropic's API refuses fields that a model does not
 * know. A name without a version counts as newest.
 * Source: Anthropic's extended-thinking, adaptive-thinking and migration guides, read 2026-11.
 */
interface ClaudeTraits {
  thinks: 'never' | 'budget' | 'adaptive'
  /** False where `temperature`, `top_p` and `top_k` are refused. */
  samples: boolean
  /** False where `temperature` is refused beside `top_p`. */
  samplesTwice: boolean
  /** False where it goes on from no words of its own. */
  prefills: boolean
  /** The most the model can write. */
  maxTokens: number
  /** Asked for when the caller sets no limit; a hold is as large as this. */
  defaultMaxTokens: number
}

function traitsOf(model: string): ClaudeTraits {
  const version = /claude-(?:[a-z]+-)?(\d+)(?:[-.](\d{1,2}))?(?!\d)/.exec(model)
  const number = version ? Number(version[1]) * 100 + Number(version[2] ?? 0) : Number.POSITIVE_INFINITY
  return {
    thinks: number >= 406 ? 'adaptive' : number >= 307 ? 'budget' : 'never',
    samples: number < 407,
    samplesTwice: number < 401,
    prefills: number < 406,
    maxTokens: number >= 406 ? 128_000 : /opus-4-[01]|opus-4$|opus-4-20/.test(model) ? 32_000 : number >= 307 ? 64_000 : number >= 305 ? 8_192 : 4_096,
    // The newest think unasked, within the same limit.
    defaultMaxTokens: number >= 406 ? 16_384 : number >= 305 ? 8_192 : 4_096
  }
}

/** The least it may think where it has a budget. Source: Anthropic, "Extended thinking", as for the budget being less than the limit, and for turns that go on, read 2026-11. */
const LEAST_BUDGET = 1_024

/** Anthropic demands a limit in every call: `defaultMaxTokens` is the one sent when the caller sets none. */
export function claudeLimits(model: string): Pick<ClaudeTraits, 'maxTokens' | 'defaultMaxTokens'> {
  return traitsOf(model)
}

/** Whether it can think before it answers; undefined for a model of another family. */
export function claudeThinks(model: string): boolean | undefined {
  return model.startsWith('claude-') ? traitsOf(model).thinks !== 'never' : undefined
}

/** What a call lets it think, in tokens, by Anthropic's own field; 0 for none, or as many as it likes. */
export function thinkingBudget(thinking: unknown): number {
  const budget = fieldOf(thinking, 'type') === 'enabled' ? fieldOf(thinking, 'budget_tokens') : 0
  return typeof budget === 'number' && Number.isSafeInteger(budget) && budget > 0 ? budget : 0
}

/** A conversation as the model answers it: one that ends with its own words, as OpenAI's and Google's models take it, has the user ask for more. Source: its refusal, "This model does not support assistant message prefill" (CLIProxyAPI#5279). */
export function answerableTurns(turns: Turn[], model: string): Turn[] {
  const last = turns.at(-1)
  if (last?.role !== 'assistant' || traitsOf(model).prefills || last.content.some(({ type }) => type === 'tool_use')) return turns
  return [...turns, { role: 'user', content: [{ type: 'text', text: 'Continue.' }] }]
}

/** The limit of an answer that is sent, no more than the model can write. A caller who sets none, but a budget to think, has room for an answer beside. */
export function outputLimit(request: ChatRequest, model: string): number {
  const { defaultMaxTokens, maxTokens } = traitsOf(model)
  return Math.min(requestedMaxTokens(request) ?? defaultMaxTokens + thinkingBudget(request.thinking), maxTokens)
}

/** Sampling and thinking fields of the Messages API; the two exclude each other. */
export function thinkingFields(request: ChatRequest, model: string, turns: readonly Turn[]): Record<string, unknown> {
  const traits = traitsOf(model)
  const thinking = request.thinking ? askedThinking(request, request.thinking, traits, outputLimit(request, model), turns) : effortFields(request, traits, turns)
  if (('thinking' in thinking && request.thinking?.type !== 'disabled') || !traits.samples) return thinking
  return { ...thinking, ...samplingFields(request, traits) }
}

/**
 * As the caller asks for it, as far as Anthropic takes it: less than the limit, and not where a turn goes on, for a chat brings none of its signed thoughts. What a
 * model does not know, a budget from 4.7 on or thinking as it sees fit before 4.6, is the effort that comes next to it. Source: its refusal (n8n#29270).
 */
function askedThinking(request: ChatRequest, thinking: NonNullable<ChatRequest['thinking']>, traits: ClaudeTraits, limit: number, turns: readonly Turn[]): Record<string, unknown> {
  if (thinking.type === 'enabled' && traits.thinks === 'adaptive' && !traits.samples) return effortFields({ ...request, reasoning_effort: effortOf(thinkingBudget(thinking)) }, traits, turns)
  if (thinking.type === 'adaptive' && traits.thinks !== 'adaptive') return effortFields({ ...request, reasoning_effort: request.reasoning_effort ?? 'medium' }, traits, turns)
  if (thinking.type === 'enabled' && traits.thinks === 'never') return {}
  if (thinking.type !== 'enabled') return { thinking }
  const budget = Math.min(thinkingBudget(thinking), limit - 1)
  return budget < LEAST_BUDGET || hasBegun(turns) ? {} : { thinking: { ...thinking, budget_tokens: budget } }
}

/** A share of thinking, by a budget's size. */
export function effortOf(budget: number): 'low' | 'medium' | 'high' {
  return budget < 4_096 ? 'low' : budget < 16_384 ? 'medium' : 'high'
}

function effortFields(request: ChatRequest, traits: ClaudeTraits, turns: readonly Turn[]): Record<string, unknown> {
  const effort = request.reasoning_effort
  if (!effort || effort === 'none' || traits.thinks === 'never') return {}
  if (traits.thinks === 'adaptive') {
    const level = effort === 'minimal' ? 'low' : effort === 'xhigh' && traits.samples ? 'high' : effort
    const thinking = forcesTool(request) ? {} : { thinking: { type: 'adaptive', display: 'summarized' } }
    return { ...thinking, output_config: { effort: level } }
  }
  const share = { minimal: 0, low: 0.2, medium: 0.5, high: 0.8, xhigh: 0.8 }[effort]
  const budget = Math.floor((requestedMaxTokens(request) ?? traits.defaultMaxTokens) * share)
  // Refused by Anthropic: a smaller budget, a forced tool, and a turn that the model has begun without thinking.
  if (budget < LEAST_BUDGET || forcesTool(request) || hasBegun(turns)) return {}
  return { thinking: { type: 'enabled', budget_tokens: budget } }
}

/** Whether the model goes on with what it has written, from where it ends or from the results of its tools, whatever stands beside them. */
function hasBegun(turns: readonly Turn[]): boolean {
  const last = turns.at(-1)
  return last?.role === 'assistant' || Boolean(last?.content.some(({ type }) => type === 'tool_result'))
}

function forcesTool({ tool_choice: choice }: ChatRequest): boolean {
  return choice === 'required' || (typeof choice === 'object' && choice !== null)
}

function samplingFields({ temperature, top_p: topP, top_k: topK }: ChatRequest, { samplesTwice }: ClaudeTraits): Record<string, unknown> {
  // 1 is either's default. OpenAI's range of temperatures goes to 2, Anthropic's to 1.
  const narrows = typeof topP === 'number' && topP < 1
  const byTemperature = typeof temperature === 'number' && (temperature < 1 || !narrows || samplesTwice)
  return {
    ...(byTemperature && { temperature: Math.min(temperature, 1) }),
    ...(narrows && (!byTemperature || samplesTwice) && { top_p: topP }),
    ...(typeof topK === 'number' && { top_k: topK })
  }
}
