/**
 * What of a thread fits into a model: the rule by which the server leaves the oldest turns out, and the browser tells beforehand that it will. Tokens are estimates
 * but for what a provider has counted.
 */

/** Short of the four that English averages, so that code and other languages fit as well. */
const CHARACTERS_PER_TOKEN = 3
/** What providers count, about, for a large image. */
const MEDIUM_TOKENS = 1_500
/** What a question may take of a model's window, with the thread before it; the rest is the answer's. */
const QUESTION_SHARE = 0.75
/** The part of that room from which on it is nearly full: so that nobody learns too late that something will be left out. */
const NEARLY_FULL_SHARE = 0.8
/** What a model is taken to read when its window is not known. */
const UNKNOWN_WINDOW_TOKENS = 32_000

/** About what a text takes. */
export const estimateTextTokens = (text: { length: number }) => Math.ceil(text.length / CHARACTERS_PER_TOKEN)

/**
 * What a thread takes: as a provider counted it, where that can be. Of the same words, no count is less than half of their estimate: one that is was of a
 * call without what is sent now, the results of tools or pictures.
 */
export const believeCount = (countedTokens: number | undefined, estimatedTokens: number) =>
  countedTokens !== undefined && countedTokens * 2 >= estimatedTokens ? countedTokens : estimatedTokens

/** About what an attachment takes: its text, or a large picture. */
export function estimateFileTokens({ mime, sizeBytes }: { mime: string, sizeBytes: number }): number {
  return mime.startsWith('text/') ? estimateTextTokens({ length: sizeBytes }) : MEDIUM_TOKENS
}

/** All a model reads and writes at once, in tokens. */
export const windowOf = (model: { contextWindow: number | null } | undefined) => model?.contextWindow ?? UNKNOWN_WINDOW_TOKENS

/** The most that a question and the thread before it may take of a window; past that, the oldest turns are left out. */
export const questionRoom = (windowTokens: number) => Math.floor(windowTokens * QUESTION_SHARE)

/** Whether it is time to say that the oldest turns will soon be left out. */
export const isNearlyFull = (threadTokens: number, windowTokens: number) => threadTokens >= questionRoom(windowTokens) * NEARLY_FULL_SHARE
