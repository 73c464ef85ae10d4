import { LoomError } from '../errors'
import { SseSplitter } from './sse-events'
import { readToldFailure } from './told-failure'

/** Where an error event's `error`, or `[DONE]`, stands, after an `event:` line, a comment or none. A chunk that mentions one has its own fields before it. */
const OPENING_BYTES = 64

/** The failure that a stream begins with, before anything else; undefined for any other first bytes. One that is over before it began is a failure, too. */
export function readOpeningError(first: Buffer): LoomError | undefined {
  const opening = first.subarray(0, OPENING_BYTES)
  if (!opening.includes('"error"') && !opening.includes('[DONE]')) return undefined
  const event = new SseSplitter().push(first).find(({ data }) => data !== '')
  if (event?.data === '[DONE]') return new LoomError('upstream_error', 'The provider ended its answer before it began.')
  return event && readToldFailure(parseJson(event.data))
}

/** Undefined for what is no JSON: the relay tells that to the caller. */
function parseJson(data: string): unknown {
  try {
    return JSON.parse(data)
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}
