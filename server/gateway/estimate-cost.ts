import type { Price } from '../billing/price'
import { computeCost, ratesFor } from '../billing/compute-cost'
import type { Units } from '../billing/units'
import { larger } from '../utils/larger'

/** Output bound of a model whose cap is unknown; today's models answer less unless asked. */
const UNKNOWN_OUTPUT_CAP = 32_768
/** A caller may ask for any number; no model writes more. */
const MAX_OUTPUT_TOKENS = 10_000_000
/** Above what any provider counts for one image, or for a sound of usual length: gpt-4o-mini takes 2,833 + 5,667 a tile of an image, of at most 8. Source: OpenAI, "Images and vision". */
export const TOKENS_PER_MEDIUM = 50_000
/** A second of sound takes at most 32 tokens (Gemini), and at least 1,000 bytes: MP3 knows no fewer. Source: Google, "Audio understanding", read 2026-11. */
const TOKENS_PER_SOUND_BYTE = 32 / 1_000
const BYTES_PER_BASE64_CHARACTER = 3 / 4
/** English text has about four bytes a token, and so has JSON around it. */
const BYTES_PER_TOKEN = 4

/** What is read beside the body is taken to be, by itself: about what a search of the web finds, or a long conversation comes to. */
const TOKENS_ELSEWHERE = 32_768

/** Of models in the packaged catalogue, rounded up. */
const LARGEST_WINDOW = 2_000_000

export interface ModelLimits { contextWindow?: number | undefined, maxOutputTokens?: number | undefined, defaultOutputTokens?: number | undefined }

export interface TokenBounds {
  inputTokens: number
  outputTokens: number
  /** The most of what some models are priced by instead of tokens. */
  units?: Units
  /** How many answers the output tokens are of; without it, one. */
  answers?: number
  /** How often the input tokens are a reading of the prompt; without it, once. */
  readings?: number
  /** The input is not in the body, so that no closer look at that tells more. */
  isElsewhere?: boolean
  /** What is elsewhere is kept by the provider, never changes, and is in its count. */
  isKept?: boolean
  /** What the input is taken to be where its bound is the whole window, whatever the body's size; without it, a share of the bound tells. */
  likelyInputTokens?: number
}

/** Files of a prompt that may be more tokens than they have bytes: how much of the body they are, and how many tokens they are taken to be. */
export interface PackedFiles { bytes: number, tokens: number }

/** What a call's bounds hang on. */
export interface CallMeasure {
  bodyBytes: number
  /** The most tokens that the images and sounds in the body are, and how many bytes of it their data is at least: base64 is not priced by the byte. */
  mediaTokens: number
  mediaBytes: number
  /** What the caller lets the model write; 0 when they did not say. */
  maxOutputTokens: number
  /** How many answers were asked for. */
  answers: number
  /** The provider reads more than the body: an earlier answer it kept, a file, what its own tools find. */
  readsMore?: boolean
  /** All it reads beside the body is kept by the provider, never changes, and is in its count. */
  isKept?: boolean
  /** It may sum the prompt up first: that reads all of it once more, and writes as much as the model may. */
  sumsUp?: boolean
  packed?: PackedFiles | undefined
}

/** The most tokens that a sound is, by its data in base64. */
export function boundSound(data: string): number {
  return Math.max(TOKENS_PER_MEDIUM, Math.ceil(data.length * BYTES_PER_BASE64_CHARACTER * TOKENS_PER_SOUND_BYTE))
}

/**
 * An upper bound of a call's tokens: no tokenizer makes more tokens than the text has bytes, no prompt, whatever is packed in its files, is larger than
 * the model's window, and no answer is longer than the caller's or the model's own cap.
 */
export function boundTokens({ bodyBytes, mediaTokens, mediaBytes, maxOutputTokens, answers, readsMore, isKept, sumsUp, packed }: CallMeasure, limits: ModelLimits): TokenBounds {
  const window = limits.contextWindow ?? Infinity
  const cap = Math.min(limits.maxOutputTokens ?? MAX_OUTPUT_TOKENS, window)
  const most = cap < MAX_OUTPUT_TOKENS ? cap : UNKNOWN_OUTPUT_CAP
  const asked = maxOutputTokens || limits.defaultOutputTokens || most
  const visible = bodyBytes - mediaBytes + mediaTokens
  const prompt = Math.min(readsMore || packed ? LARGEST_WINDOW : visible, window)
  const likelyBody = Math.ceil((visible - (packed?.bytes ?? 0)) / BYTES_PER_TOKEN) + (packed?.tokens ?? 0)
  const readings = sumsUp ? 2 : 1
  return {
    inputTokens: prompt * readings,
    outputTokens: Math.min(asked, cap) * answers + (sumsUp ? most : 0),
    ...(answers > 1 && { answers }),
    ...(readings > 1 && { readings }),
    ...(readsMore && { isElsewhere: true }),
    ...(readsMore && isKept && { isKept }),
    ...((readsMore || packed) && { likelyInputTokens: Math.min(likelyBody + (readsMore ? TOKENS_ELSEWHERE : 0), prompt) * readings })
  }
}

/** What a prompt within a bound is taken to be, by which prices are compared and tokens of a minute reserved: an estimate, and no bound. */
export function likelyInput({ inputTokens, likelyInputTokens }: TokenBounds): number {
  return likelyInputTokens ?? Math.ceil(inputTokens / BYTES_PER_TOKEN)
}

/** The most the call may cost at `price`, nano-USD: every token of the dearest kind, which for input is one written to the provider's cache, or read from it, unless nothing of it can be (`isCached` false). */
export function boundCost(tokens: TokenBounds, price: Price, isCached = true): bigint {
  const { inputPrice, outputPrice, cachedInputPrice = 0n, cacheWritePrice = 0n, longCacheWritePrice = 0n, audioInputPrice = 0n, cachedAudioInputPrice = 0n, audioOutputPrice = 0n } = ratesFor(price, tokens.inputTokens)
  const dearestInput = [...isCached ? [cachedInputPrice, cacheWritePrice, longCacheWritePrice] : [], audioInputPrice, cachedAudioInputPrice].reduce(larger, inputPrice)
  const dearestOutput = larger(audioOutputPrice, outputPrice)
  return computeCost(tokens, { source: price.source, inputPrice: dearestInput, outputPrice: dearestOutput, units: price.units })
}
