import { z } from 'zod'
import type { Units } from '../../billing/units'
import type { Usage } from '../usage'
import { MAX_TOKENS, noUsage } from '../usage'

const tokens = z.int().nonnegative().max(MAX_TOKENS)

const InputUsage = z.looseObject({ prompt_tokens: tokens.optional(), total_tokens: tokens.optional() })

/** What an operation that writes nothing used: embeddings, moderations, reranking. Some tell the total alone. */
export function readInputUsage(usage: unknown): Usage | undefined {
  const parsed = InputUsage.safeParse(usage).data
  const inputTokens = parsed?.prompt_tokens ?? parsed?.total_tokens
  return inputTokens === undefined ? undefined : { ...noUsage, inputTokens }
}

const details = z.looseObject({ cached_tokens: tokens.nullish(), text_tokens: tokens.nullish(), audio_tokens: tokens.nullish() }).nullish().catch(undefined)

/** OpenAI's count for images and sound; images call the details `input_tokens_details`, sound `input_token_details`. */
const MediaUsage = z.looseObject({ input_tokens: tokens, output_tokens: tokens, input_tokens_details: details, input_token_details: details, output_tokens_details: details })

/** Undefined for what is told in other units than tokens, as the seconds of whisper (`readDuration`). */
export function readMediaUsage(usage: unknown): Usage | undefined {
  const parsed = MediaUsage.safeParse(usage).data
  if (!parsed) return undefined
  const { cached_tokens: cached, text_tokens: text, audio_tokens: audio } = parsed.input_tokens_details ?? parsed.input_token_details ?? {}
  const written = parsed.output_tokens_details?.text_tokens
  const most = (count: number | null | undefined) => Math.min(count ?? 0, parsed.input_tokens)
  return {
    ...noUsage,
    inputTokens: parsed.input_tokens,
    outputTokens: parsed.output_tokens,
    cachedInputTokens: most(cached),
    ...(audio && { audioInputTokens: most(audio) }),
    ...(text && { textInputTokens: most(text) }),
    ...(written && { textOutputTokens: Math.min(written, parsed.output_tokens) })
  }
}

const MAX_SECONDS = 10_000_000
const seconds = z.number().nonnegative().max(MAX_SECONDS)
const DurationUsage = z.looseObject({ type: z.literal('duration'), seconds })

/**
 * How long the sound was, where a provider counts by that: `usage` of the type `duration`, else the `duration` of a verbose transcript.
 * Source: the OpenAI API reference, "Create transcription".
 */
export function readDuration({ usage, duration }: { usage?: unknown, duration?: unknown }): Units | undefined {
  const told = DurationUsage.safeParse(usage).data?.seconds ?? seconds.safeParse(duration).data
  return told === undefined ? undefined : { audioMs: Math.ceil(told * 1_000) }
}

/** The hours may be left out of WebVTT's times. Sources: the W3C's "WebVTT"; SubRip's. */
const CUE_END = /-->\s*(?:(\d{1,4}):)?(\d{2}):(\d{2})[.,](\d{3})/g

/** How long the sound of subtitles was, as far as they tell: where the last of them ends. */
export function readLastCue(subtitles: string): Units | undefined {
  const [last] = [...subtitles.matchAll(CUE_END)].slice(-1)
  if (!last) return undefined
  const [hours = 0, minutes = 0, wholeSeconds = 0, milliseconds = 0] = last.slice(1).map(digits => Number(digits ?? 0))
  return { audioMs: ((hours * 60 + minutes) * 60 + wholeSeconds) * 1_000 + milliseconds }
}

const BilledUnits = z.looseObject({ search_units: z.int().nonnegative().max(MAX_TOKENS) })

/** The searches that Cohere bills a reranking as. */
export function readSearches(billed: unknown): Units | undefined {
  const searches = BilledUnits.safeParse(billed).data?.search_units
  return searches === undefined ? undefined : { searches }
}
