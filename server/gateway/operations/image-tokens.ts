/** Tokens of a picture of 1,024 × 1,024. Others take as many more as they are larger. Source: OpenAI's guide "Image generation", cost and latency, of gpt-image-1. */
const tokensAtQuality: Readonly<Record<string, number>> = { low: 272, medium: 1_056, standard: 1_056, high: 4_160, hd: 4_160 }
const SQUARE = 1_024 * 1_024

/** A picture on the way that a streaming caller asked to see. */
export const PARTIAL_IMAGE_TOKENS = 100

/** What one picture counts where nobody tells: the dearest of what the caller leaves open. */
export function imageTokens(quality: string | null | undefined, size: string | null | undefined): number {
  const [, width, height] = /^(\d{1,5})x(\d{1,5})$/.exec(size ?? '') ?? []
  const area = width && height ? Number(width) * Number(height) : 1_024 * 1_536
  return Math.ceil((tokensAtQuality[quality ?? ''] ?? 4_160) * area / SQUARE)
}
