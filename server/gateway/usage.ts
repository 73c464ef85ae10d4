import { z } from 'zod'
import { toNanoUsd, toUsdDecimal } from '../../shared/money'
import type { Units } from '../billing/units'

/** What a call used, in tokens, and in other units where it is measured in them. `inputTokens` includes the cached and cache-write parts, `outputTokens` the reasoning part. */
export interface Usage {
  inputTokens: number
  outputTokens: number
  cachedInputTokens: number
  cacheWriteTokens: number
  /** The part of `cacheWriteTokens` that the provider keeps for an hour; absent means none. */
  longCacheWriteTokens?: number
  reasoningTokens: number
  /** Sound among the input, cached or not, and among the output; absent means none. */
  audioInputTokens?: number
  audioOutputTokens?: number
  /** Of the cached input, what is told to be sound; absent where nobody tells. */
  cachedAudioInputTokens?: number
  /** Of the input, what is told to be text rather than a picture; absent where nobody tells. */
  textInputTokens?: number
  /** Of the output, what is told to be words or thoughts rather than a picture; absent where nobody tells. */
  textOutputTokens?: number
  units?: Units
  /** What the provider says it charged; absent where it says nothing. A number, so that it can be kept as JSON. */
  toldCostNanoUsd?: number
}

/** Of that, what is known before an answer is. */
export type PromptUsage = Omit<Usage, 'outputTokens' | 'reasoningTokens' | 'audioOutputTokens' | 'textOutputTokens' | 'toldCostNanoUsd'>

export const noUsage: Usage = { inputTokens: 0, outputTokens: 0, cachedInputTokens: 0, cacheWriteTokens: 0, reasoningTokens: 0 }

/** A thousand times what any model reads or writes: a larger count is nonsense, and would overflow the ledger. */
export const MAX_TOKENS = 1_000_000_000

const tokens = z.int().nonnegative().max(MAX_TOKENS)
/** What only some tell: where it makes no sense, the rest still counts. */
const extra = tokens.nullish().catch(undefined)

const InputDetails = z.looseObject({ cached_tokens: tokens.nullish(), cache_write_tokens: tokens.nullish(), cache_write_1h_tokens: extra, audio_tokens: extra, cached_tokens_details: z.looseObject({ audio_tokens: extra }).nullish().catch(undefined) })

/** More than any answer costs. */
const MAX_COST_USD = 10_000

/** `usage` of the OpenAI chat format, as the providers that speak it write it; an explicit 0 is a count, not a gap. */
const ChatUsage = z.looseObject({
  prompt_tokens: tokens,
  completion_tokens: tokens,
  total_tokens: extra,
  prompt_tokens_details: InputDetails.nullish(),
  completion_tokens_details: z.looseObject({ reasoning_tokens: tokens.nullish(), audio_tokens: extra, text_tokens: extra, image_tokens: extra }).nullish(),
  /** DeepSeek's and Moonshot's words for what OpenAI keeps in the details. */
  prompt_cache_hit_tokens: extra,
  cached_tokens: extra,
  /** What OpenRouter charged, USD. Source: https://openrouter.ai/docs/use-cases/usage-accounting, read 2026-11. */
  cost: z.number().nonnegative().max(MAX_COST_USD).nullish().catch(undefined)
})

/** The counts in a provider's `usage`; undefined when it is missing or makes no sense, so that they are estimated instead. */
export function readUsage(usage: unknown): Usage | undefined {
  // Most chunks of a stream have none, and a schema that fails costs more than one that fits.
  if (usage === undefined || usage === null) return undefined
  const parsed = ChatUsage.safeParse(usage)
  if (!parsed.success) return undefined
  const { prompt_tokens, prompt_tokens_details: input, prompt_cache_hit_tokens, cached_tokens, cost } = parsed.data
  const cachedInputTokens = Math.min(input?.cached_tokens ?? prompt_cache_hit_tokens ?? cached_tokens ?? 0, prompt_tokens)
  const cacheWriteTokens = Math.min(input?.cache_write_tokens ?? 0, prompt_tokens - cachedInputTokens)
  const longCacheWriteTokens = Math.min(input?.cache_write_1h_tokens ?? 0, cacheWriteTokens)
  const cachedAudio = input?.cached_tokens_details?.audio_tokens
  return {
    inputTokens: prompt_tokens,
    cachedInputTokens,
    cacheWriteTokens,
    ...(longCacheWriteTokens > 0 && { longCacheWriteTokens }),
    ...(input?.audio_tokens && { audioInputTokens: Math.min(input.audio_tokens, prompt_tokens) }),
    ...(cachedAudio && { cachedAudioInputTokens: Math.min(cachedAudio, cachedInputTokens) }),
    ...countOutput(parsed.data),
    ...(typeof cost === 'number' && { toldCostNanoUsd: Number(toNanoUsd(cost)) })
  }
}

/** The counts of the prompt in a `usage` that leaves the answer's out, as a stream tells them at its start; undefined for any other. */
export function readPromptUsage(usage: unknown): PromptUsage | undefined {
  if (typeof usage !== 'object' || usage === null || 'completion_tokens' in usage) return undefined
  return promptOf(readUsage({ ...usage, completion_tokens: 0 }))
}

/** How many tokens of the answer a stream tells before its end, as our own translation does; undefined for any other `usage`. */
export function readTokensSoFar(usage: unknown): number | undefined {
  return SoFar.safeParse(usage).data?.completion_tokens_so_far
}

const SoFar = z.looseObject({ completion_tokens_so_far: tokens })

/** Without what was counted of the answer; undefined where nothing was counted yet, as zeroes at a stream's start say. */
export function promptOf(usage: Usage | undefined): PromptUsage | undefined {
  if (!usage || usage.inputTokens === 0) return undefined
  const { outputTokens: _output, reasoningTokens: _reasoning, audioOutputTokens: _audio, textOutputTokens: _text, toldCostNanoUsd: _cost, ...prompt } = usage
  return prompt
}

/**
 * xAI and Gemini count what a model thought beside `completion_tokens`, OpenAI within: the total tells which. What it exceeds
 * the two counts by was written by the model too, and is billed as output.
 * Source: xAI, "Consumption and rate limits": reasoning tokens are counted separately from `completion_tokens`, but in `total_tokens`.
 */
function countOutput({ prompt_tokens, completion_tokens, total_tokens, completion_tokens_details }: z.infer<typeof ChatUsage>): Pick<Usage, 'outputTokens' | 'reasoningTokens' | 'audioOutputTokens' | 'textOutputTokens'> {
  const beside = Math.max((total_tokens ?? 0) - prompt_tokens - completion_tokens, 0)
  const outputTokens = completion_tokens + beside
  const { audio_tokens: audio, text_tokens, image_tokens } = completion_tokens_details ?? {}
  // No pictures may also mean that nobody counted them.
  const text = text_tokens ?? (image_tokens ? Math.max(outputTokens - image_tokens, 0) : undefined)
  return {
    outputTokens,
    reasoningTokens: Math.min(completion_tokens_details?.reasoning_tokens ?? beside, outputTokens),
    ...(audio && { audioOutputTokens: Math.min(audio, outputTokens) }),
    ...(text && { textOutputTokens: Math.min(text, outputTokens) })
  }
}

/** Counts as OpenAI's chat format writes them. */
export function toChatUsage(usage: Usage) {
  const { inputTokens, outputTokens } = usage
  return {
    prompt_tokens: inputTokens,
    completion_tokens: outputTokens,
    total_tokens: inputTokens + outputTokens,
    prompt_tokens_details: toInputDetails(usage),
    completion_tokens_details: toOutputDetails(usage),
    ...toToldCost(usage)
  }
}

/** The parts of the input, and below of the output, as OpenAI's formats write them. */
export function toInputDetails({ cachedInputTokens, cacheWriteTokens, longCacheWriteTokens, audioInputTokens, cachedAudioInputTokens }: Usage) {
  return {
    cached_tokens: cachedInputTokens,
    cache_write_tokens: cacheWriteTokens,
    ...(longCacheWriteTokens !== undefined && { cache_write_1h_tokens: longCacheWriteTokens }),
    ...(audioInputTokens !== undefined && { audio_tokens: audioInputTokens }),
    ...(cachedAudioInputTokens !== undefined && { cached_tokens_details: { audio_tokens: cachedAudioInputTokens } })
  }
}

export function toOutputDetails({ reasoningTokens, audioOutputTokens, textOutputTokens }: Usage) {
  return {
    reasoning_tokens: reasoningTokens,
    ...(audioOutputTokens !== undefined && { audio_tokens: audioOutputTokens }),
    ...(textOutputTokens !== undefined && { text_tokens: textOutputTokens })
  }
}

/** What was charged, as `readUsage` reads it, for answers in other formats. */
export function toToldCost({ toldCostNanoUsd }: Usage): { cost?: number } {
  return toldCostNanoUsd === undefined ? {} : { cost: Number(toUsdDecimal(BigInt(toldCostNanoUsd))) }
}

const MAX_RAW_USAGE_CHARACTERS = 20_000

/** A provider's usage that PostgreSQL can keep: NUL and lone surrogates are valid JSON, but not valid `jsonb`. Null for what cannot or need not be kept. */
export function storable(usage: unknown): unknown {
  if (usage === undefined) return null
  try {
    const json = JSON.stringify(usage)
    return json.length > MAX_RAW_USAGE_CHARACTERS || /\\u0000|\\ud[89a-f]/i.test(json) ? null : usage
  } catch (error) {
    // Nested too deeply to be written.
    if (error instanceof RangeError) return null
    throw error
  }
}
