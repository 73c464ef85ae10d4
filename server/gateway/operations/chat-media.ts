import { z } from 'zod'

/** A chat message, as far as its media go. */
interface Message { content?: unknown }

const Medium = z.union([
  z.object({ type: z.literal('image_url'), image_url: z.object({ url: z.string() }) }).transform(part => ({ kind: 'image' as const, data: part.image_url.url })),
  z.object({ type: z.literal('input_audio'), input_audio: z.object({ data: z.string() }) }).transform(part => ({ kind: 'sound' as const, data: part.input_audio.data }))
])

/** Looked at before a part is parsed: a schema that fails costs more than one that fits, and most parts are text. */
const mediaTypes: ReadonlySet<unknown> = new Set(['image_url', 'input_audio'])

/**
 * The images and sounds inside messages, whose data is not priced by the byte. All else is, a file too, whose text its
 * base64 may be.
 */
export function mediaIn(messages: readonly Message[]): { kind: 'image' | 'sound', data: string }[] {
  return messages.flatMap(({ content }) => Array.isArray(content) ? content.flatMap(part => mediaTypes.has(part?.type) ? Medium.safeParse(part).data ?? [] : []) : [])
}

/** The messages without that data. */
export function withoutMedia<T extends Message>(messages: readonly T[]): T[] {
  const strip = (part: unknown) => Medium.safeParse(part).success ? { ...Object(part), image_url: undefined, input_audio: undefined } : part
  return messages.map(message => Array.isArray(message.content) ? { ...message, content: message.content.map(strip) } : message)
}
