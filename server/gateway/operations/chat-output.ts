import { z } from 'zod'
import type { Made } from './operation'
import { soundTokens } from './sound-tokens'

/** Source: https://ai.google.dev/gemini-api/docs/pricing, of gemini-2.5-flash-image: up to 1,024 × 1,024. */
const TOKENS_PER_PICTURE = 1_290
/** OpenAI streams sound in this format alone. */
const STREAMED_FORMAT = 'pcm16'

/** What of a chat's message, or of a piece of one, is no content: what it says aloud and draws, and the call of a tool in OpenAI's first format. */
export const chatOutput = {
  audio: z.looseObject({ data: z.string().nullish(), transcript: z.string().nullish() }).nullish().catch(undefined),
  /** As OpenRouter writes them, and we for Gemini. */
  images: z.array(z.unknown()).nullish().catch(undefined),
  function_call: z.looseObject({ name: z.string().nullish(), arguments: z.string().nullish() }).nullish().catch(undefined)
}
export type ChatOutput = z.infer<z.ZodObject<typeof chatOutput>>

/** Our own measure of what is heard and seen of an answer. */
export class HeardAndSeen {
  private soundCharacters = 0
  private pictures = 0

  /** @param format of the sound */
  constructor(private readonly format = STREAMED_FORMAT) {}

  add({ audio, images }: ChatOutput): void {
    this.soundCharacters += audio?.data?.length ?? 0
    this.pictures += images?.length ?? 0
  }

  get made(): Required<Made> {
    const audioOutputTokens = soundTokens(this.soundCharacters * 3 / 4, this.format)
    return { outputTokens: audioOutputTokens + this.pictures * TOKENS_PER_PICTURE, audioOutputTokens }
  }
}
