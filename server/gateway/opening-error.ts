import { LoomError } from '../errors'
import { SseSplitter } from './sse-events'
import { readToldFailure } from './told-failure'

/** Of a stream's beginning, where a failure of its first event stands. */
const OPENING_BYTES = 1_024
/** Only what has such a word is parsed: most streams begin without. */
const MAY_HAVE_FAILED = /"error"(?!\s*:\s*null)|\[DONE\]/

/** The failure that a stream begins with, before anything else; undefined for any other first bytes. One that is over before it began is a failure, too. */
export function readOpeningError(first: Buffer): LoomError | undefined {
  if (!MAY_HAVE_FAILED.test(first.toString('latin1', 0, OPENING_BYTES))) return undefined
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
