import { LoomError } from '../errors'
import { ByteCollector } from '../utils/byte-collector'

const MAX_PARTS = 64
const MAX_HEAD_BYTES = 4_096
const MAX_FIELD_BYTES = 64 * 1024
const CRLF = Buffer.from('\r\n')
const HEAD_END = Buffer.from('\r\n\r\n')
const NOTHING = Buffer.alloc(0)

/** One part of a `multipart/form-data` body (RFC 7578), and where it lies in it. */
export interface FormPart {
  name: string
  /** Undefined for a plain field. */
  fileName: string | undefined
  contentType: string | undefined
  /** Where its delimiter begins. */
  from: number
  /** Where its content begins and ends; the end is Infinity until it has come. */
  start: number
  end: number
  /** A plain field's text. A file's content is not kept. */
  text: string
}

/**
 * Understands a form of plain fields and files as it comes, in pieces of any size, keeping nothing of its files. A field given twice is
 * refused, lists (`name[]`) apart: whoever reads the form next might take the other one.
 */
export class FormParser {
  readonly parts: FormPart[] = []
  /** The last delimiter has come. */
  complete = false
  private readonly delimiter: Buffer
  private readonly needle: Buffer
  private state: 'first' | 'delimited' | 'content' | 'epilogue' = 'first'
  /** What is not understood yet, and where in the body it begins. */
  private pending: Buffer = NOTHING
  private at = 0
  private readonly field = new ByteCollector()

  /** @throws {LoomError} `invalid_request` when the content type is no form's */
  constructor(contentType: string | undefined) {
    this.delimiter = Buffer.from(`--${readBoundary(contentType)}`)
    this.needle = Buffer.concat([CRLF, this.delimiter])
  }

  /** @throws {LoomError} `invalid_request` as soon as this cannot become a form */
  push(chunk: Buffer): void {
    this.pending = this.pending.length === 0 ? chunk : Buffer.concat([this.pending, chunk])
    while (this.step()) { /* as far as the bytes reach */ }
  }

  /** @throws {LoomError} `invalid_request` for a form cut off */
  end(): void {
    if (!this.complete) throw malformed(this.state === 'first' ? 'it does not begin with its boundary' : 'it ends before its last boundary')
  }

  /** A plain field's text; undefined while the form has none of that name. */
  fieldText(name: string): string | undefined {
    return this.parts.find(part => part.name === name && part.fileName === undefined && part.end !== Infinity)?.text
  }

  /** One step; false when it takes more bytes. */
  private step(): boolean {
    switch (this.state) {
      case 'first': return this.readFirst()
      case 'delimited': return this.readHead()
      case 'content': return this.readContent()
      case 'epilogue':
        this.skip(this.pending.length)
        return false
    }
  }

  private readFirst(): boolean {
    if (this.pending.length < this.delimiter.length) return false
    if (!this.pending.subarray(0, this.delimiter.length).equals(this.delimiter)) throw malformed('it does not begin with its boundary')
    this.skip(this.delimiter.length)
    this.state = 'delimited'
    return true
  }

  private readHead(): boolean {
    if (this.pending.length < CRLF.length) return false
    if (this.pending.toString('latin1', 0, 2) === '--') {
      this.complete = true
      this.state = 'epilogue'
      return true
    }
    const end = this.pending.indexOf(HEAD_END)
    if (!this.pending.subarray(0, CRLF.length).equals(CRLF) || (end < 0 ? this.pending.length : end) > MAX_HEAD_BYTES) throw malformed('a part has no proper headers')
    if (end < 0) return false
    if (this.parts.length === MAX_PARTS) throw malformed(`it has more than ${MAX_PARTS} parts`)
    const from = this.at - this.delimiter.length
    const head = readHead(this.pending.toString('utf8', CRLF.length, end))
    if (!head.name.endsWith('[]') && this.parts.some(({ name }) => name === head.name)) throw new LoomError('invalid_request', `The form has "${head.name}" twice.`, { param: head.name })
    this.skip(end + HEAD_END.length)
    this.parts.push({ ...head, from, start: this.at, end: Infinity, text: '' })
    this.state = 'content'
    return true
  }

  private readContent(): boolean {
    const found = this.pending.indexOf(this.needle)
    // The delimiter may begin at the end of what is here.
    const length = found >= 0 ? found : Math.max(0, this.pending.length - this.needle.length + 1)
    const part = this.parts.at(-1)
    if (part && part.fileName === undefined) this.keep(part, this.pending.subarray(0, length))
    this.skip(length)
    if (found < 0) return false
    if (part) {
      part.end = this.at
      part.text = this.field.bytes().toString('utf8')
      this.field.clear()
    }
    this.skip(this.needle.length)
    this.state = 'delimited'
    return true
  }

  private keep({ name, start }: FormPart, bytes: Buffer): void {
    if (this.at + bytes.length - start > MAX_FIELD_BYTES) throw new LoomError('invalid_request', `"${name}" is longer than ${MAX_FIELD_BYTES} bytes.`, { param: name })
    if (bytes.length > 0) this.field.push(bytes)
  }

  private skip(length: number): void {
    this.pending = this.pending.length === length ? NOTHING : this.pending.subarray(length)
    this.at += length
  }
}

/** A part as it is written in front of a form with this delimiter's boundary. */
export function writeField(contentType: string, name: string, text: string): string {
  return `--${readBoundary(contentType)}\r\ncontent-disposition: form-data; name="${name}"\r\n\r\n${text}\r\n`
}

function readBoundary(contentType: string | undefined): string {
  const [type = ''] = (contentType ?? '').split(';')
  if (type.trim().toLowerCase() !== 'multipart/form-data') throw new LoomError('invalid_request', 'Send the file as multipart/form-data.', { param: 'Content-Type' })
  const boundary = /;\s*boundary=(?:"([^"]{1,70})"|([^\s;"]{1,70}))\s*(?:;|$)/i.exec(contentType ?? '')
  const found = boundary?.[1] ?? boundary?.[2]
  if (!found) throw new LoomError('invalid_request', 'The Content-Type names no boundary. Let your HTTP client set this header.', { param: 'Content-Type' })
  return found
}

function readHead(head: string): Pick<FormPart, 'name' | 'fileName' | 'contentType'> {
  const headers = new Map(head.split('\r\n').map((line) => {
    const colon = line.indexOf(':')
    return [line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim()]
  }))
  const disposition = headers.get('content-disposition') ?? ''
  const names = parameters(disposition, 'name')
  const fileNames = parameters(disposition, 'filename')
  if (!/^form-data\s*;/i.test(disposition) || names.length !== 1 || /;\s*name\*=/i.test(disposition) || fileNames.length > 1 || !names[0]) throw malformed('a part has no name, or several')
  return { name: names[0], fileName: fileNames[0] ?? (/;\s*filename\*=/i.test(disposition) ? '' : undefined), contentType: headers.get('content-type') }
}

function parameters(disposition: string, name: string): string[] {
  return [...disposition.matchAll(new RegExp(`;\\s*${name}=(?:"((?:[^"\\\\]|\\\\.)*)"|([^\\s;"]+))`, 'gi'))].map(match => match[1] ?? match[2] ?? '')
}

function malformed(why: string): LoomError {
  return new LoomError('invalid_request', `The form cannot be read: ${why}.`)
}
