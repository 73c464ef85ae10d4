import { LoomError } from '../../errors'
import type { UpstreamResponse } from '../providers/provider'
import type { SseEvent } from '../sse-events'
import { MAX_STREAM_BYTES, SseSplitter } from '../sse-events'
import { UnansweredError } from '../transport'
import type { Usage } from '../usage'
import type { StreamTap } from './operation'

/** Far more than any model writes; a provider that never ends must not fill our memory. */
export const MAX_ANSWER_CHARACTERS = 16 * 1024 * 1024

/** Whether an answer comes as server-sent events, where the request alone does not tell. */
export function isEventStream(headers: UpstreamResponse['headers']): boolean {
  return headers['content-type']?.toLowerCase().startsWith('text/event-stream') === true
}

/** A tap on server-sent events: hands each to `read`, whole. */
export abstract class EventTap implements StreamTap {
  readonly contentType = 'text/event-stream; charset=utf-8'
  usage: Usage | undefined
  rawUsage: unknown
  done = false
  private readonly splitter = new SseSplitter()
  private bytes = 0
  /** What came in one piece with a failure. */
  private beforeFailure = Buffer.alloc(0)

  /** @param maxBytes more than any such answer has */
  constructor(private readonly maxBytes = MAX_STREAM_BYTES) {}

  push(chunk: Buffer): Buffer[] {
    this.bytes += chunk.length
    if (this.bytes > this.maxBytes) throw new UnansweredError(new LoomError('upstream_error', `The provider sent more than ${this.maxBytes} bytes, more than the answer to this call can have.`))
    return this.forward(this.splitter.push(chunk))
  }

  end(): Buffer[] {
    const last = this.splitter.end()
    return last ? this.forward([last]) : []
  }

  undelivered(): Buffer {
    return this.beforeFailure
  }

  abstract readonly whole: boolean
  abstract readonly text: string
  abstract record(): Buffer
  abstract closing(usage: Usage, costUsd: string): Buffer
  abstract failure(error: LoomError): Buffer

  /** What of an event goes to the caller now; undefined for what is held back. */
  protected abstract read(event: SseEvent): Buffer | undefined

  /** @throws {UnansweredError} for an answer of that many characters */
  protected requireSane(length: number): void {
    if (length > MAX_ANSWER_CHARACTERS) throw new UnansweredError(new LoomError('upstream_error', 'The provider sent an answer larger than 16 million characters.'))
  }

  private forward(events: SseEvent[]): Buffer[] {
    const forwarded: Buffer[] = []
    try {
      for (const event of events) {
        if (this.done) break
        const bytes = event.data === '' ? event.bytes : this.read(event)
        if (bytes) forwarded.push(bytes)
      }
    } catch (cause) {
      this.beforeFailure = Buffer.concat(forwarded)
      throw cause
    }
    return forwarded
  }
}

/** @throws {LoomError} `upstream_error` */
export function parseEvent(data: string): unknown {
  try {
    return JSON.parse(data)
  } catch (cause) {
    throw new LoomError('upstream_error', 'The provider sent an event that is not JSON.', { cause })
  }
}

/**
 * How many bytes a value is as JSON, for what an event brings and a later one repeats.
 * @throws {LoomError} `upstream_error` when it is nested so deeply that it can be read but not written
 */
export function lengthAsJson(value: unknown): number {
  try {
    return Buffer.byteLength(JSON.stringify(value))
  } catch (cause) {
    throw new LoomError('upstream_error', 'The provider sent an event that is nested too deeply.', { cause })
  }
}
