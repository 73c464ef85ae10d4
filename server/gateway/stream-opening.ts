import { LoomError } from '../errors'
import { parseJson } from '../../shared/parse-json'
import { fieldOf } from './field-of'
import { SseSplitter } from './sse-events'
import { readToldFailure } from './told-failure'

/** Of an event, where its type or its failure stands. */
const TELLING_BYTES = 1_024
/** What is said before an answer begins, and says nothing of it: that it was asked for, or that the provider is still there. */
const HEAD = /^(?:event: ?|data: ?\{"type": ?")(?:response\.(?:created|in_progress|queued)|message_start|ping)\b|"choices": ?\[\]/m
/** Only what has such a word is parsed. */
const MAY_HAVE_FAILED = /"error"(?!\s*:\s*null)|"response\.failed"/
/** Most streams begin with none of it, so that nothing of them is looked at more closely. */
const MAY_NOT_HAVE_BEGUN = new RegExp(`^:|${HEAD.source}|${MAY_HAVE_FAILED.source}|\\[DONE\\]`, 'm')

/** Reads a stream of events up to where an answer begins. */
export class StreamOpening {
  private readonly splitter = new SseSplitter()
  private isLookedAt = false

  /**
   * @returns whether the answer has begun
   * @throws {LoomError} the failure that comes in its place; what is over before it began is one, too
   */
  push(chunk: Buffer): boolean {
    this.isLookedAt ||= MAY_NOT_HAVE_BEGUN.test(chunk.toString('latin1', 0, TELLING_BYTES))
    return !this.isLookedAt || this.splitter.push(chunk).some(event => event.data !== '' && begins(event.data, event.bytes.toString('latin1', 0, TELLING_BYTES)))
  }
}

function begins(data: string, start: string): boolean {
  if (data === '[DONE]') throw new LoomError('upstream_error', 'The provider ended its answer before it began.')
  const failure = MAY_HAVE_FAILED.test(start) ? failureIn(parseJson(data)) : undefined
  if (failure) throw failure
  return !HEAD.test(start)
}

/** As any event tells it, or as those of the Responses API do. */
function failureIn(json: unknown): LoomError | undefined {
  const told = fieldOf(json, 'type') === 'error' ? json : fieldOf(fieldOf(json, 'response'), 'error')
  return readToldFailure(json) ?? readToldFailure({ error: told })
}
