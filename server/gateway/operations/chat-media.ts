/** A chat message, as far as its media go. */
interface Message { content?: unknown }

interface Medium { kind: 'image' | 'sound', data: string }

/** A field of whatever it is. Not by a schema: a body has room for millions of parts, and one that fits none costs a schema 20 µs. */
function fieldOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined
}

function toMedium(part: unknown): Medium | undefined {
  const type = fieldOf(part, 'type')
  if (type === 'image_url') {
    const image = fieldOf(part, 'image_url')
    // As Mistral writes it. Elsewhere it may be read as text, so its bytes count as well.
    const url = typeof image === 'string' ? '' : fieldOf(image, 'url')
    return typeof url === 'string' ? { kind: 'image', data: url } : undefined
  }
  const sound = type === 'input_audio' ? fieldOf(fieldOf(part, 'input_audio'), 'data') : undefined
  return typeof sound === 'string' ? { kind: 'sound', data: sound } : undefined
}

/**
 * The images and sounds inside messages, whose data is not priced by the byte. All else is, a file too, whose text its
 * base64 may be.
 */
export function mediaIn(messages: readonly Message[]): Medium[] {
  return messages.flatMap(({ content }) => Array.isArray(content) ? content.flatMap(part => toMedium(part) ?? []) : [])
}

/** The messages without that data. */
export function withoutMedia<T extends Message>(messages: readonly T[]): T[] {
  const strip = (part: unknown) => toMedium(part)?.data ? { ...Object(part), image_url: undefined, input_audio: undefined } : part
  return messages.map(message => Array.isArray(message.content) ? { ...message, content: message.content.map(strip) } : message)
}

const fetchedTypes: ReadonlySet<unknown> = new Set(['document_url', 'video_url', 'audio_url'])

/** Whether messages name what is not in them: a file that the provider keeps, a document, video or sound that it fetches (OpenRouter, Mistral, vLLM). */
export function refersElsewhere(messages: readonly Message[]): boolean {
  return messages.some(({ content }) => Array.isArray(content) && content.some(isReference))
}

function isReference(part: unknown): boolean {
  const type = fieldOf(part, 'type')
  if (type === 'file') {
    const file = fieldOf(part, 'file')
    const data = fieldOf(file, 'file_data')
    return typeof fieldOf(file, 'file_id') === 'string' || (typeof data === 'string' && /^https?:/.test(data))
  }
  if (typeof type !== 'string' || !fetchedTypes.has(type)) return false
  const named = fieldOf(part, type)
  const url = typeof named === 'string' ? named : fieldOf(named, 'url')
  return typeof url === 'string' && !url.startsWith('data:')
}
