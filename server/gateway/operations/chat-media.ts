import { z } from 'zod'

/** A chat message, as far as its media go. */
interface Message { content?: unknown }

const Medium = z.union([
  z.object({ type: z.literal('image_url'), image_url: z.object({ url: z.string() }) }).transform(part => ({ kind: 'image' as const, data: part.image_url.url })),
  // As Mistral writes it. Elsewhere it may be read as text, so its bytes count as well.
  z.object({ type: z.literal('image_url'), image_url: z.string() }).transform(() => ({ kind: 'image' as const, data: '' })),
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
  const strip = (part: unknown) => Medium.safeParse(part).data?.data ? { ...Object(part), image_url: undefined, input_audio: undefined } : part
  return messages.map(message => Array.isArray(message.content) ? { ...message, content: message.content.map(strip) } : message)
}

const address = z.string().regex(/^(?!data:)/)
const Reference = z.union([
  z.object({ type: z.literal('file'), file: z.union([z.object({ file_id: z.string() }), z.object({ file_data: z.string().regex(/^https?:/) })]) }),
  ...(['document_url', 'video_url', 'audio_url'] as const).map(type => z.object({ type: z.literal(type), [type]: z.union([address, z.object({ url: address })]) }))
])

/** Whether messages name what is not in them: a file that the provider keeps, a document, video or sound that it fetches (OpenRouter, Mistral, vLLM). */
export function refersElsewhere(messages: readonly Message[]): boolean {
  return messages.some(({ content }) => Array.isArray(content) && content.some(part => part?.type !== 'text' && Reference.safeParse(part).success))
}
