import type { LoomError, ErrorCode } from '../errors'
import { PolicyRefusal } from '../policy/policy-refusal'
import { ToldFailure } from './providers/upstream-failure'
import { rateLimitHeaders } from './rate-limit-headers'
import { UnansweredError } from './transport'
import { UpstreamStatusError } from './upstream-error'

const types: Partial<Record<ErrorCode, string>> = {
  invalid_request: 'invalid_request_error',
  invalid_api_key: 'invalid_request_error',
  model_not_found: 'invalid_request_error',
  not_found: 'invalid_request_error',
  rate_limit_exceeded: 'rate_limit_error',
  insufficient_scope: 'permission_error',
  model_not_allowed: 'permission_error',
  forbidden: 'permission_error'
}

/** The OpenAI error object every SDK understands. */
export function toOpenAiError(error: LoomError): { error: Record<string, unknown> } {
  return {
    error: {
      message: error.message,
      type: types[error.code] ?? error.code,
      param: error.param ?? null,
      code: codeOf(error),
      ...(error.details && { details: error.details }),
      ...(error instanceof UpstreamStatusError && error.told.innererror && { innererror: error.told.innererror })
    }
  }
}

/** What a provider refuses it tells by the code its own SDKs know: programs shorten a prompt on `context_length_exceeded`. */
function codeOf(error: LoomError): string {
  if (error instanceof UpstreamStatusError && error.told.code !== undefined) return error.told.code
  if (error instanceof ToldFailure && error.word !== undefined) return error.word
  return error.code === 'invalid_request' ? 'invalid_request_error' : error.code
}

/** Headers that tell an SDK whether and when to try again. Waiting fills no wallet, so 402 says not to; and a whole answer that took too long would be paid for once more. */
export function errorHeaders(error: LoomError): Record<string, string> {
  return {
    ...(error.retryAfterSeconds !== undefined && { 'retry-after': String(error.retryAfterSeconds) }),
    ...(error instanceof PolicyRefusal && error.rateLimit && rateLimitHeaders(error.rateLimit.unit, error.rateLimit.state)),
    ...((error.status === 402 || error.code === 'ref_id_conflict' || error instanceof UnansweredError) && { 'x-should-retry': 'false' })
  }
}
