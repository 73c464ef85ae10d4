import { createHash } from 'node:crypto'
import { fileTypeFromBuffer } from 'file-type'
import { LoomError } from '../errors'
import { imageMimes } from '../../shared/files'
import type { FileKind } from '../../shared/files'
import { BEGINNING_MAX } from '../../shared/project-files'

/** What of a file's beginning tells its type. */
const HEAD_BYTES = 4_100

const PDF = 'application/pdf'
/** Formats with a beginning of their own that are text all the same. */
const texts = ['application/xml', 'image/svg+xml', 'text/calendar', 'text/vcard', 'application/rtf', 'text/vtt', 'application/x-subrip']

const isImage = (mime: string) => imageMimes.some(image => image === mime)

export interface Inspected {
  kind: FileKind
  /** As it may be sent: of a text always `text/plain`, so that no browser runs it. */
  mime: string
  sizeBytes: number
  sha256: string
  /** Of a text. */
  beginning: string | null
}

interface Expected {
  name: string
  /** What its sender says it is. */
  contentType: string | undefined
  maxBytes: number
}

/**
 * Looks at a file as it passes, a piece at a time: its size, its hash, and by its bytes rather than by its name what it is.
 * @throws {LoomError} while passing: `body_too_large` at the first byte too many, `invalid_request` for an empty file, one of no kind that is taken, or one that is not what it is said to be
 */
export function inspectBytes(expected: Expected) {
  const hash = createHash('sha256')
  const decoder = new TextDecoder('utf-8', { fatal: true })
  let type: Pick<Inspected, 'kind' | 'mime'> | undefined
  let head: Uint8Array = new Uint8Array()
  let sizeBytes = 0
  let beginning = ''

  function takeText(bytes?: Uint8Array): void {
    const text = decode(decoder, bytes, expected.name)
    if (text.includes('\0')) throw notTaken(expected.name)
    if (beginning.length < BEGINNING_MAX) beginning = (beginning + text).slice(0, BEGINNING_MAX)
  }

  async function* pass(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of chunks) {
      sizeBytes += chunk.length
      if (sizeBytes > expected.maxBytes) throw tooLarge(expected.maxBytes)
      hash.update(chunk)
      if (type) {
        if (type.kind === 'text') takeText(chunk)
        yield chunk
        continue
      }
      head = Buffer.concat([head, chunk])
      if (head.length >= HEAD_BYTES) yield await begin()
    }
    if (!type) yield await begin()
    if (type?.kind === 'text') takeText()
  }

  async function begin(): Promise<Uint8Array> {
    if (head.length === 0) throw new LoomError('invalid_request', `“${expected.name}” is empty.`)
    type = await findType(head, expected)
    if (type.kind === 'text') takeText(head)
    return head
  }

  return {
    pass,
    /** To be read when everything has passed. */
    result(): Inspected {
      if (!type) throw new Error('The file has not passed yet')
      return { ...type, sizeBytes, sha256: hash.digest('hex'), beginning: type.kind === 'text' ? beginning.toWellFormed() : null }
    }
  }
}

async function findType(head: Uint8Array, { name, contentType }: Expected): Promise<Pick<Inspected, 'kind' | 'mime'>> {
  const found = (await fileTypeFromBuffer(head))?.mime
  const kind = found === undefined || texts.includes(found) ? 'text' : isImage(found) ? 'image' : found === PDF ? 'pdf' : undefined
  if (!kind) throw notTaken(name)
  const claimed = claimedKind(name, contentType)
  if (claimed !== undefined && claimed !== kind) throw new LoomError('invalid_request', `“${name}” is not the ${claimed === 'pdf' ? 'PDF' : claimed} it says it is. Send it under its own name and type.`)
  return { kind, mime: kind === 'text' || found === undefined ? 'text/plain' : found }
}

/** The type of an image by its first bytes; undefined for what is none that browsers show and models see. */
export async function identifyImage(bytes: Uint8Array): Promise<string | undefined> {
  const found = (await fileTypeFromBuffer(bytes.subarray(0, HEAD_BYTES)))?.mime
  return found !== undefined && isImage(found) ? found : undefined
}

/** What it says it is, by its name or else by its type; undefined where neither says a thing that could be wrong. */
function claimedKind(name: string, contentType = ''): FileKind | undefined {
  const [, extension = ''] = /\.(\w+)$/.exec(name.toLowerCase()) ?? []
  if (/^(?:png|jpe?g|gif|webp)$/.test(extension)) return 'image'
  if (extension === 'pdf') return 'pdf'
  if (/^(?:txt|md|csv|tsv|json|html?|xml|svg|js|ts|css|py|yaml|yml|log)$/.test(extension)) return 'text'
  const [type = ''] = contentType.toLowerCase().split(';')
  return isImage(type.trim()) ? 'image' : type.trim() === PDF ? 'pdf' : undefined
}

function decode(decoder: TextDecoder, bytes: Uint8Array | undefined, name: string): string {
  try {
    return bytes ? decoder.decode(bytes, { stream: true }) : decoder.decode()
  } catch (cause) {
    throw notTaken(name, cause)
  }
}

function notTaken(name: string, cause?: unknown): LoomError {
  return new LoomError('invalid_request', `“${name}” is of a kind that Loom does not take. It takes images (PNG, JPEG, GIF, WebP), PDF, and text in UTF-8.`, { cause })
}

export function tooLarge(maxBytes: number): LoomError {
  return new LoomError('body_too_large', `The file is larger than the ${Math.floor(maxBytes / 1024 / 1024)} MiB that Loom takes.`)
}
