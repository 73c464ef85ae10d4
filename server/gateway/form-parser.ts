import { LoomError } from '../errors'
import { ByteCollector } from '../utils/byte-collector'

const MAX_PARTS = 64
const MAX_HEAD_BYTES = 4_096
const MAX_FIELD_BYTES = 64 * 1024
/** Of OpenAI's transcriptions: up to four voices of 2 to 10 seconds, each a data URL of megabytes. */
export const SPEAKER_REFERENCES = 'known_speaker_references'
const CRLF = Buffer.from('\r\n')
/** Behind the last delimiter. */
const CLOSE = Buffer.from('--')
const HEAD_END = Buffer.from('\r\n\r\n')
const NOTHING = Buffer.alloc(0)
const CARRIAGE_RETURN = 0x0d
const LINE_FEED = 0x0a
/** What RFC 2046 and tokens have. In others, and where it ends with a space, readers see different ones. */
const BOUNDARY = /^(?:[\w!#$%&'*+.^`|~()/:=?,-]| (?!$)){1,70}$/
const TOKEN = /^[\w!#$%&'*+.^`|~-]+$/
const HEADER = /^([\w!#$%&'*+.^`|~-]+):((?:\t|[^\p{Cc}\p{Zl}\p{Zp}])*)$/u
const PARAMETER = /\s*;\s*([^\s;="]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s;"]+))/gy
/** What is neither escaped nor encoded, and no two readers spell differently. */
const NAME = /^[\w.:[\]-]+$/
/** Lists that clients also write as one plain name again and again, whichever of them a server then takes: none of these says which model is asked, and of what costs by the piece, pictures, each counts. Source: `openai` 7.55 for Node, its types of what a form has. */
const LISTS: ReadonlySet<string> = new Set(['image', 'include', 'keywords', 'known_speaker_names', SPEAKER_REFERENCES, 'languages', 'timestamp_granularities'])
/** What leaves content as it stands. */
const PLAIN_ENCODINGS: ReadonlySet<string | undefined> = new Set([undefined, '7bit', '8bit', 'binary'])

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
  /** A plain field's text. What a file or a long field holds is not kept. */
  text: string | undefined
}

/**
 * Understands a form of plain fields and files as it comes, in pieces of any size, keeping nothing of its files. What whoever reads the form
 * next might read otherwise is refused: a field given twice (lists apart), heads that are no proper ones, the boundary's letters
 * anywhere else.
 */
export class FormParser {
  readonly parts: FormPart[] = []
  /** The form's, written anew: it names the one boundary that this reads by, and nothing else. */
  readonly contentType: string
  /** The last delimiter has come. */
  complete = false
  private readonly delimiter: Buffer
  private readonly needle: Buffer
  private state: 'first' | 'delimited' | 'content' | 'epilogue' = 'first'
  /** What is not understood yet, and where in the body it begins. */
  private pending: Buffer = NOTHING
  private at = 0
  private readonly field = new ByteCollector()

  /**
   * @param longField a list whose items may be as long as a file
   * @throws {LoomError} `invalid_request` when the content type is no form's
   */
  constructor(contentType: string | undefined, private readonly longField?: string) {
    const boundary = readBoundary(contentType)
    this.contentType = `multipart/form-data; boundary=${TOKEN.test(boundary) ? boundary : `"${boundary}"`}`
    this.delimiter = Buffer.from(`--${boundary}`)
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
      case 'epilogue': return this.readEpilogue()
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
    if (this.pending.length < CLOSE.length) return false
    if (this.pending.subarray(0, CLOSE.length).equals(CLOSE)) {
      this.skip(CLOSE.length)
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
    if (this.parts.some(({ name }) => name.toLowerCase() === head.name.toLowerCase() && (name !== head.name || !isList(name)))) throw new LoomError('invalid_request', `The form has "${head.name}" twice.`, { param: head.name })
    this.skip(end + HEAD_END.length)
    const isKept = head.fileName === undefined && plainName(head.name) !== this.longField
    this.parts.push({ ...head, from, start: this.at, end: Infinity, text: isKept ? '' : undefined })
    this.state = 'content'
    return true
  }

  private readContent(): boolean {
    const found = this.pending.indexOf(this.delimiter) - CRLF.length
    const isFound = found >= -CRLF.length
    // Some end a part at the boundary after any line break, or none.
    if (isFound && (found < 0 || !this.pending.subarray(found, found + CRLF.length).equals(CRLF))) throw malformed('its boundary stands within a part')
    // The delimiter may begin at the end of what is here.
    const length = isFound ? found : Math.max(0, this.pending.length - this.needle.length + 1)
    const part = this.parts.at(-1)
    if (part?.text !== undefined) this.keep(part, this.pending.subarray(0, length))
    this.skip(length)
    if (!isFound) return false
    if (part) {
      part.end = this.at
      if (part.text !== undefined) part.text = this.field.bytes().toString('utf8')
      this.field.clear()
    }
    this.skip(this.needle.length)
    this.state = 'delimited'
    return true
  }

  /** What came after it would be a part to who does not take the last boundary for one. */
  private readEpilogue(): boolean {
    if (this.pending.some(byte => byte !== CARRIAGE_RETURN && byte !== LINE_FEED)) throw malformed('it goes on after its last boundary')
    this.skip(this.pending.length)
    return false
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

function isList(name: string): boolean {
  return name.endsWith('[]') || LISTS.has(name)
}

/** The name of a list, or of one of its items, is the field's: `image[]`, `image[0]`. */
export function plainName(name: string): string {
  return name.replace(/\[.*/, '')
}

/** A part as it is written in front of a form with this delimiter's boundary. */
export function writeField(contentType: string, name: string, text: string): string {
  return `--${readBoundary(contentType)}\r\ncontent-disposition: form-data; name="${name}"\r\n\r\n${text}\r\n`
}

function readBoundary(contentType = ''): string {
  const header = readHeader(contentType)
  if (header.value !== 'multipart/form-data') throw new LoomError('invalid_request', 'Send the file as multipart/form-data.', { param: 'Content-Type' })
  const boundary = header.parameters?.get('boundary')
  if (boundary === undefined || !BOUNDARY.test(boundary)) throw new LoomError('invalid_request', 'The Content-Type does not name one proper boundary. Let your HTTP client set this header.', { param: 'Content-Type' })
  return boundary
}

function readHead(head: string): Pick<FormPart, 'name' | 'fileName' | 'contentType'> {
  const headers = new Map<string, string>()
  for (const line of head.split('\r\n')) {
    const [, name, value = ''] = HEADER.exec(line) ?? []
    if (name === undefined || headers.has(name.toLowerCase())) throw malformed('a part has no proper headers, or one twice')
    headers.set(name.toLowerCase(), value.trim())
  }
  const { value, parameters } = readHeader(headers.get('content-disposition') ?? '')
  const name = parameters?.get('name') ?? ''
  const fileName = parameters?.get('filename') ?? (parameters?.has('filename*') ? '' : undefined)
  if (value !== 'form-data' || !NAME.test(name)) throw malformed('a part has no name, several, or one that is not of letters, digits and ". : _ - [ ]"')
  // Some look for it without regard to quotes.
  if (fileName && /;\s*(?:file)?name\*?\s*=/i.test(fileName)) throw malformed('a file is called what looks like another name')
  if (!PLAIN_ENCODINGS.has(headers.get('content-transfer-encoding')?.toLowerCase())) throw malformed('a part is encoded')
  return { name, fileName, contentType: headers.get('content-type') }
}

/** A header's value, and its parameters under their names in small letters; without these where two might read them differently. */
function readHeader(header: string): { value: string, parameters: ReadonlyMap<string, string> | undefined } {
  const [first = ''] = header.split(';', 1)
  const value = first.trim().toLowerCase()
  const parameters = new Map<string, string>()
  let rest = header.slice(first.length)
  let last = ''
  for (const [whole, given = '', quoted, bare = ''] of rest.matchAll(PARAMETER)) {
    const name = given.toLowerCase()
    // A value in pieces or another encoding; only of file names is there one that is in use.
    if (parameters.has(name) || (name.includes('*') && name !== 'filename*')) return { value, parameters: undefined }
    parameters.set(name, quoted ?? bare)
    rest = rest.slice(whole.length)
    last = name
  }
  // Some clients do not escape quotation marks in the names of files. What has no sign of a parameter is none, however a name is cut.
  const isWhole = /^[\s;]*$/.test(rest) || (last === 'filename' && /^[^;=]*$/.test(rest))
  return { value, parameters: isWhole ? parameters : undefined }
}

function malformed(why: string): LoomError {
  return new LoomError('invalid_request', `The form cannot be read: ${why}.`)
}
