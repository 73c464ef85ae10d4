import { z } from 'zod'
import type { ErrorCode } from '../errors'
import { LoomError } from '../errors'

/** The sign-in library's own error body. */
const Failure = z.object({ message: z.string().catch('The request was refused.'), code: z.string().optional() })

const codeOf: Record<number, ErrorCode> = { 401: 'unauthenticated', 403: 'forbidden', 404: 'not_found', 429: 'rate_limit_exceeded' }

/**
 * Turns a refusal of the sign-in library into one of ours, so that all of `/api` refuses in one shape.
 * @throws {LoomError} for every response that is no success; `details.reason` keeps the library's code
 */
export async function refuseAuthFailure(response: Response): Promise<void> {
  if (response.status < 400) return
  const failure = Failure.catch({ message: 'The request was refused.' }).parse(await readJson(response))
  const retryAfter = Number(response.headers.get('retry-after') ?? response.headers.get('x-retry-after') ?? Number.NaN)
  const code = response.status >= 500 ? 'internal_error' : codeOf[response.status] ?? 'invalid_request'
  throw new LoomError(code, failure.message, {
    details: failure.code === undefined ? undefined : { reason: failure.code.toLowerCase() },
    retryAfterSeconds: Number.isNaN(retryAfter) ? undefined : retryAfter
  })
}

async function readJson(response: Response): Promise<unknown> {
  const isJson = response.headers.get('content-type')?.includes('json') ?? false
  return isJson ? response.json() : {}
}
