import { z } from 'zod'

const tokens = z.int().min(0).nullish()

/** Anthropic counts cached tokens beside `input_tokens`, not within. Each report in a stream is cumulative. */
export const MessageUsage = z.looseObject({
  input_tokens: tokens,
  output_tokens: tokens,
  cache_creation_input_tokens: tokens,
  cache_read_input_tokens: tokens,
  /** How `cache_creation_input_tokens` divide, for an hour costs more than five minutes. */
  cache_creation: z.looseObject({ ephemeral_1h_input_tokens: tokens }).nullish(),
  output_tokens_details: z.looseObject({ thinking_tokens: tokens }).nullish()
})
export type MessageUsage = z.infer<typeof MessageUsage>

/** The same usage as OpenAI tells it, cached tokens included in `prompt_tokens`. Undefined when it lacks either count. */
export function toChatUsage(usage: MessageUsage) {
  if (typeof usage.input_tokens !== 'number' || typeof usage.output_tokens !== 'number') return undefined
  const cached = usage.cache_read_input_tokens ?? 0
  const written = usage.cache_creation_input_tokens ?? 0
  const prompt = usage.input_tokens + cached + written
  const writtenLong = usage.cache_creation?.ephemeral_1h_input_tokens ?? 0
  const reasoning = usage.output_tokens_details?.thinking_tokens
  return {
    prompt_tokens: prompt,
    completion_tokens: usage.output_tokens,
    total_tokens: prompt + usage.output_tokens,
    prompt_tokens_details: { cached_tokens: cached, cache_write_tokens: written, ...(writtenLong > 0 && { cache_write_1h_tokens: writtenLong }) },
    ...(typeof reasoning === 'number' && { completion_tokens_details: { reasoning_tokens: reasoning } })
  }
}

/** OpenAI's word for why the model stopped. */
export function finishReason(stopReason: string | null | undefined): string {
  if (stopReason === 'max_tokens' || stopReason === 'model_context_window_exceeded') return 'length'
  if (stopReason === 'tool_use') return 'tool_calls'
  return stopReason === 'refusal' ? 'content_filter' : 'stop'
}
