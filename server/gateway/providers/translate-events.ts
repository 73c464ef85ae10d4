import { pipeline, Transform } from 'node:stream'
import type { Readable } from 'node:stream'
import { createParser } from 'eventsource-parser'
import { LoomError } from '../../errors'
import { MAX_STREAM_BYTES } from '../sse-events'

/** Of an event, and of what is none: comments are dropped as they come, however long. */
const MAX_EVENT_BYTES = 8 * 1024 * 1024

/** Turns a provider's events into ours, in order. What it returns is sent at once; empty text sends nothing. */
export interface EventTranslation {
  event: (data: string) => string
  /** The upstream has closed its stream. */
  end: () => string
}

/**
 * An SSE body translated as it arrives, with backpressure. Destroying the result closes the upstream at once; an
 * upstream that breaks destroys the result. An event over 8 MB destroys both.
 */
export function translateEvents(body: Readable, translation: EventTranslation): Readable {
  const decoder = new TextDecoder()
  let output = ''
  let failure: LoomError | undefined
  let bytes = 0
  let bytesSinceEvent = 0
  const parser = createParser({
    onEvent: ({ data }) => {
      bytesSinceEvent = 0
      output += translation.event(data)
    }
  })
  const flushOutput = () => {
    const ready = output
    output = ''
    return ready === '' ? undefined : ready
  }
  /** What is thrown inside a stream's own code ends the process: it ends the stream instead. */
  const translate = (step: () => void) => {
    try {
      step()
    } catch (cause) {
      failure = cause instanceof LoomError ? cause : new LoomError('upstream_error', 'The provider sent an event that cannot be translated.', { cause })
    }
  }
  const translator = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length
      bytesSinceEvent += chunk.length
      if (bytes > MAX_STREAM_BYTES) failure = new LoomError('upstream_error', 'The provider sent an answer of more than 512 MB.')
      else if (bytesSinceEvent > MAX_EVENT_BYTES) failure = new LoomError('upstream_error', 'The provider sent an event of more than 8 MB.')
      else translate(() => parser.feed(decoder.decode(chunk, { stream: true })))
      done(failure, flushOutput())
    },
    flush(done) {
      translate(() => {
        parser.feed(decoder.decode())
        output += translation.end()
      })
      done(failure, flushOutput())
    }
  })
  // The failure itself reaches whoever reads the translator.
  return pipeline(body, translator, () => {})
}
