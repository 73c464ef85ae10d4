import { pipeline, Transform } from 'node:stream'
import type { Readable } from 'node:stream'
import { LoomError } from '../../errors'
import { MAX_ANSWER_BYTES, tooLarge } from '../answer-limits'
import { MAX_STREAM_BYTES, SseSplitter } from '../sse-events'
import { UnansweredError } from '../transport'

/** Turns a provider's events into ours, in order. What it returns is sent at once; empty text sends nothing. */
export interface EventTranslation {
  event: (data: string) => string
  /** The upstream has closed its stream. */
  end: () => string
}

/**
 * An SSE body translated as it arrives, with backpressure. Destroying the result closes the upstream at once; an
 * upstream that breaks destroys the result. An event larger than `MAX_ANSWER_BYTES` destroys both.
 */
export function translateEvents(body: Readable, translation: EventTranslation): Readable {
  const splitter = new SseSplitter()
  let bytes = 0
  /** What is thrown inside a stream's own code ends the process: it ends the stream instead. */
  const translate = (step: () => string, done: (failure?: LoomError, output?: string) => void) => {
    let output: string
    try {
      output = step()
    } catch (cause) {
      return done(cause instanceof LoomError ? cause : new LoomError('upstream_error', 'The provider sent an event that cannot be translated.', { cause }))
    }
    // Of nothing, a stream would make an empty chunk.
    done(undefined, output || undefined)
  }
  const translator = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      translate(() => {
        bytes += chunk.length
        if (bytes > MAX_STREAM_BYTES) throw new UnansweredError(new LoomError('upstream_error', 'The provider sent an answer of more than 512 MB.'))
        let output = ''
        for (const { data } of splitter.push(chunk)) {
          if (data !== '') output += translation.event(data)
          if (output.length > MAX_ANSWER_BYTES) throw tooLarge('answer')
        }
        return output
      }, done)
    },
    flush(done) {
      translate(() => translation.end(), done)
    }
  })
  // The failure itself reaches whoever reads the translator.
  return pipeline(body, translator, () => {})
}
