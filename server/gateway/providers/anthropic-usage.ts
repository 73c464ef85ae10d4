import { z } from 'zod'
import { MAX_PARTS } from '../answer-limits'

const tokens = z.int().min(0).nullish()
const told = z.string().nullish().catch(undefined)

const Counts = z.looseObject({
  input_tokens: tokens,
  output_tokens: tokens,
  cache_creation_input_tokens: tokens,
  cache_read_input_tokens: tokens,
  /** How `cache_creation_input_tokens` divide, for an hour costs more than five minutes. */
  cache_creation: z.looseObject({ ephemeral_1h_input_tokens: tokens }).nullish()
})

/** Anthropic counts cached tokens beside `input_tokens`, not within. Each report in a stream is cumulative. */
export const MessageUsage = Counts.extend({
  /** Where, and how fast, it was answered: each may cost more. */
  inference_geo: told,
  speed: told,
  /** Of words Anthropic tells nothing: that is our own, of other providers' answers in this format. */
  output_tokens_details: z.looseObject({ thinking_tokens: tokens, text_tokens: tokens.catch(undefined) }).nullish(),
  /** What it took, step by step. A `compaction` summed up the conversation first, and is counted here alone. */
  iterations: z.array(Counts.extend({ type: z.string() })).max(MAX_PARTS).nullish().catch(undefined)
})
export type MessageUsage = z.infer<typeof MessageUsage>

/** The same usage as OpenAI tells it, cached tokens included in `prompt_tokens`. Undefined when it lacks either count. */
export function toChatUsage(usage: MessageUsage) {
  if (typeof usage.input_tokens !== 'number' || typeof usage.output_tokens !== 'number') return undefined
  const steps = [usage, ...usage.iterations?.filter(({ type }) => type === 'compaction') ?? []]
  const sum = (count: (step: z.infer<typeof Counts>) => number | null | undefined) => steps.reduce((total, step) => total + (count(step) ?? 0), 0)
  const cached = sum(step => step.cache_read_input_tokens)
  const written = sum(step => step.cache_creation_input_tokens)
  const prompt = sum(step => step.input_tokens) + cached + written
  const writtenLong = sum(step => step.cache_creation?.ephemeral_1h_input_tokens)
  const completion = sum(step => step.output_tokens)
  const { thinking_tokens: reasoning, text_tokens: text } = usage.output_tokens_details ?? {}
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
    prompt_tokens_details: { cached_tokens: cached, cache_write_tokens: written, ...(writtenLong > 0 && { cache_write_1h_tokens: writtenLong }) },
    ...(usage.output_tokens_details && { completion_tokens_details: { reasoning_tokens: reasoning, text_tokens: text } }),
    ...(usage.inference_geo && { inference_geo: usage.inference_geo }),
    ...(usage.speed && { speed: usage.speed })
  }
}

/** OpenAI's word for why the model stopped. */
export function finishReason(stopReason: string | null | undefined): string {
  if (stopReason === 'max_tokens' || stopReason === 'model_context_window_exceeded') return 'length'
  if (stopReason === 'tool_use') return 'tool_calls'
  return stopReason === 'refusal' ? 'content_filter' : 'stop'
}
