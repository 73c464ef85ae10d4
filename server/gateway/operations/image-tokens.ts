/** Tokens of a picture of 1,024 × 1,024. Others take as many more as they are larger. Source: OpenAI's guide "Image generation", cost and latency, of gpt-image-1. */
const tokensAtQuality: ReadonlyMap<string, number> = new Map([['low', 272], ['medium', 1_056], ['standard', 1_056], ['high', 4_160], ['hd', 4_160]])
const SQUARE = 1_024 * 1_024

/** A picture on the way that a streaming caller asked to see. */
export const PARTIAL_IMAGE_TOKENS = 100

/** Of a picture that is shown to the model: at four tiles, the most there are, whatever its fidelity, and what a high one adds. Source: OpenAI's guide "Images and vision", of gpt-image-1. */
const SEEN_TOKENS = 65 + 4 * 129
const HIGH_FIDELITY_TOKENS = 6_240

/** What a picture that is shown to the model counts at most where nobody tells. Newer models look at all of them closely, and know no `fidelity`. */
export function seenImageTokens(fidelity: string | null | undefined): number {
  return fidelity === 'low' ? SEEN_TOKENS : SEEN_TOKENS + HIGH_FIDELITY_TOKENS
}

/**
 * What one picture counts where nobody tells: the dearest of what the caller leaves open.
 * @param frames of a moving one, each of that size
 */
export function imageTokens(quality: string | null | undefined, size: string | null | undefined, frames = 1): number {
  return tokensOf(quality, areaOf(size) * frames)
}

/** The same for a hold: newer models count a small one nearly as a square, and some heed no size. */
export function boundImageTokens(quality: string | null | undefined, size: string | null | undefined, frames = 1): number {
  return tokensOf(quality, Math.max(areaOf(size) * frames, SQUARE))
}

function areaOf(size: string | null | undefined): number {
  const [, width, height] = /^(\d{1,5})x(\d{1,5})$/.exec(size ?? '') ?? []
  return width && height ? Number(width) * Number(height) : 1_024 * 1_536
}

function tokensOf(quality: string | null | undefined, area: number): number {
  return Math.ceil((tokensAtQuality.get(quality ?? '') ?? 4_160) * area / SQUARE)
}
