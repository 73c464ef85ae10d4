import { ByteCollector } from '../utils/byte-collector'
import { MAX_ANSWER_BYTES, requireTakeable, tooLarge } from './answer-limits'

const LF = 10
const CR = 13
/** A hundred thousand tokens with all their log probabilities are half of it; an upstream that never ends its answer must not go on for as long as a call may take. */
export const MAX_STREAM_BYTES = 512 * 1024 * 1024
/** A blank line is at most LF CR LF, of which two may be here already. */
const SEAM_BYTES = 2
const NOTHING = Buffer.alloc(0)
const MARK = Buffer.from([0xef, 0xbb, 0xbf])
const DATA_LINE = '\ndata:'
/** JSON of more lines is not to be understood. */
const MAX_DATA_LINES = 10_000

/** One server-sent event: its bytes as they came (with the blank line that ends it), and its `data`. */
export interface SseEvent { bytes: Buffer, data: string }

/**
 * Cuts a byte stream into server-sent events without changing a byte. Bytes are held only until the blank line that
 * ends their event. Source: the HTML standard, "Server-sent events", 9.2.6.
 */
export class SseSplitter {
  private readonly rest = new ByteCollector()
  private seam: Buffer = NOTHING

  /** @throws {UnansweredError} when one event grows beyond `MAX_ANSWER_BYTES`, or would take too much memory */
  push(chunk: Buffer): SseEvent[] {
    // Only where old meets new can an event have ended: what was searched once is not searched again.
    if (this.rest.size > 0 && findEventEnd(Buffer.concat([this.seam, chunk]), 0) === 0) return this.keep(chunk)
    if (this.rest.size > 0) this.rest.push(chunk)
    const bytes = this.rest.size > 0 ? this.rest.bytes() : chunk
    const events: SseEvent[] = []
    let start = 0
    for (let end = findEventEnd(bytes, start); end > 0; end = findEventEnd(bytes, start)) {
      const slice = bytes.subarray(start, end)
      requireTakeable(slice, 'event')
      events.push({ bytes: slice, data: readData(slice) })
      start = end
    }
    this.clear()
    // A copy where an event came before, so that these few bytes do not keep all of it in memory.
    if (start < bytes.length) this.keep(start > 0 ? Buffer.from(bytes.subarray(start)) : bytes)
    return events
  }

  /** What came after the last complete event, once the stream has ended. */
  end(): SseEvent | undefined {
    const bytes = this.rest.bytes()
    this.clear()
    requireTakeable(bytes, 'event')
    return bytes.length === 0 ? undefined : { bytes: Buffer.concat([bytes, Buffer.from('\n\n')]), data: readData(bytes) }
  }

  private keep(chunk: Buffer): SseEvent[] {
    this.rest.push(chunk)
    if (this.rest.size > MAX_ANSWER_BYTES) throw tooLarge('event')
    this.seam = Buffer.concat([this.seam, chunk.subarray(-SEAM_BYTES)]).subarray(-SEAM_BYTES)
    return []
  }

  private clear(): void {
    this.rest.clear()
    this.seam = NOTHING
  }
}

/** The index after the blank line that ends the event at `start`; 0 when it is not complete. */
function findEventEnd(bytes: Buffer, start: number): number {
  for (let at = bytes.indexOf(LF, start); at !== -1; at = bytes.indexOf(LF, at + 1)) {
    if (bytes[at + 1] === LF) return at + 2
    if (bytes[at + 1] === CR && bytes[at + 2] === LF) return at + 3
  }
  return 0
}

function readData(bytes: Buffer): string {
  // A stream may begin with the mark of its encoding.
  const text = bytes.toString('utf8', bytes[0] === MARK[0] && bytes.subarray(0, MARK.length).equals(MARK) ? MARK.length : 0)
  if (text.startsWith('data: ') && text.indexOf('\n') >= text.length - 2) return text.slice(6).trimEnd()
  // Not split into lines, of which an event of junk has millions.
  const whole = `\n${text}`
  const lines: string[] = []
  for (let at = whole.indexOf(DATA_LINE); at >= 0 && lines.length < MAX_DATA_LINES; at = whole.indexOf(DATA_LINE, at + 1)) {
    const end = whole.indexOf('\n', at + 1)
    const line = whole.slice(at + DATA_LINE.length, end < 0 ? undefined : end)
    lines.push(line.slice(line.startsWith(' ') ? 1 : 0, end >= 0 && line.endsWith('\r') ? -1 : undefined))
  }
  return lines.join('\n')
}
