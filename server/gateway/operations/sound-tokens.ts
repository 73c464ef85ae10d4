/** Source: OpenAI's pricing of gpt-4o-mini-tts: $12 per million tokens are about $0.015 a minute. Its chats count 20 a second: the guide "Managing costs" of the Realtime API. */
export const TOKENS_PER_SECOND = 1_250 / 60
/** What OpenAI sends of each format; of what varies, and of formats not known, no less than it does. */
const bytesPerSecond: Readonly<Record<string, number>> = { pcm: 48_000, pcm16: 48_000, wav: 48_000, flac: 24_000, mp3: 16_000, aac: 16_000, opus: 8_000 }

/** What so many bytes of speech count where nobody tells. */
export function soundTokens(bytes: number, format: string): number {
  return Math.ceil(bytes / (bytesPerSecond[format] ?? 8_000) * TOKENS_PER_SECOND)
}
