import { boundSound, TOKENS_PER_MEDIUM } from '../estimate-cost'
import type { CallMeasure } from '../estimate-cost'
import type { Medium } from './count-prompt'
import { fieldOf } from '../field-of'
import { findPacked } from './packed-file'

/** A chat message, as far as its media go. */
interface Message { content?: unknown, images?: unknown }

/** Which medium a part is, and the part without its data. */
function findMedium(part: unknown): { medium: Medium, rest: unknown } | undefined {
  const type = fieldOf(part, 'type')
  switch (type) {
    case 'image_url': {
      const image = fieldOf(part, 'image_url')
      // As Mistral writes it. Elsewhere it may be read as text, so its bytes count as well.
      if (typeof image === 'string') return { medium: { kind: 'image', data: '' }, rest: part }
      return taken('image', fieldOf(image, 'url'), { ...Object(part), image_url: undefined })
    }
    case 'input_audio':
      return taken('sound', fieldOf(fieldOf(part, 'input_audio'), 'data'), { ...Object(part), input_audio: undefined })
    case 'file': {
      const file = fieldOf(part, 'file')
      return taken('file', fieldOf(file, 'file_data'), { ...Object(part), file: { ...Object(file), file_data: undefined } })
    }
    case 'document_url':
    case 'video_url':
    case 'audio_url': {
      const url = urlOf(part)
      return url?.startsWith('data:') ? taken('file', url, { ...Object(part), [type]: undefined }) : undefined
    }
  }
}

function taken(kind: Medium['kind'], data: unknown, rest: unknown): { medium: Medium, rest: unknown } | undefined {
  return typeof data === 'string' ? { medium: { kind, data }, rest } : undefined
}

/** What of a call's bounds hangs on its media. The data of images and sounds is not priced by the byte; all else is, a file too, whose text its base64 may be. */
export function measureMedia(messages: readonly Message[]): Pick<CallMeasure, 'mediaTokens' | 'mediaBytes' | 'packed'> {
  const { media } = takeMedia(messages)
  const seenOrHeard = media.filter(({ kind }) => kind !== 'file')
  return {
    mediaTokens: seenOrHeard.reduce((sum, { kind, data }) => sum + (kind === 'sound' ? boundSound(data) : TOKENS_PER_MEDIUM), 0),
    mediaBytes: seenOrHeard.reduce((sum, { data }) => sum + data.length, 0),
    packed: findPacked(media.flatMap(({ kind, data }) => kind === 'file' ? [data] : []))
  }
}

/** The messages without the data of their media, and those. */
export function takeMedia<T extends Message>(messages: readonly T[]): { messages: T[], media: Medium[] } {
  const media: Medium[] = []
  const take = (part: unknown) => {
    const found = findMedium(part)
    if (!found) return part
    media.push(found.medium)
    return found.rest
  }
  const taken = messages.map((message) => {
    const { content, images } = message
    if (!Array.isArray(content) && !Array.isArray(images)) return message
    return { ...message, ...(Array.isArray(content) && { content: content.map(take) }), ...(Array.isArray(images) && { images: images.map(take) }) }
  })
  return { messages: taken, media }
}

const fetchedTypes: ReadonlySet<string> = new Set(['document_url', 'video_url', 'audio_url'])

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
  const url = urlOf(part)
  return url !== undefined && !url.startsWith('data:')
}

/** The address in a part that is named after its type, be it there by itself or as `url`. */
function urlOf(part: unknown): string | undefined {
  const named = fieldOf(part, String(fieldOf(part, 'type')))
  const url = typeof named === 'string' ? named : fieldOf(named, 'url')
  return typeof url === 'string' ? url : undefined
}
