import { z } from 'zod'
import { ToldFailure } from './providers/upstream-failure'
import { SseSplitter } from './sse-events'

/** Where an error event's `error` stands, after an `event:` line or none. A chunk that mentions one has its own fields before it. */
const OPENING_BYTES = 64

const message = z.union([z.string(), z.looseObject({ message: z.string() }).transform(error => error.message)])
const StreamError = z.looseObject({ error: message })

/** The failure that a stream begins with, before anything else; undefined for any other first bytes. */
export function readOpeningError(first: Buffer): ToldFailure | undefined {
  if (!first.subarray(0, OPENING_BYTES).includes('"error"')) return undefined
  const [event] = new SseSplitter().push(first)
  const failed = event && StreamError.safeParse(parseJson(event.data))
  return failed?.success ? new ToldFailure(failed.data.error) : undefined
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
