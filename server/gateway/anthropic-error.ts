import type { LoomError } from '../errors'
import { ToldFailure } from './providers/upstream-failure'
import { UpstreamStatusError } from './upstream-error'

/** Source: Anthropic's API reference, "Errors". */
const types: Readonly<Record<number, string>> = {
  400: 'invalid_request_error',
  401: 'authentication_error',
  402: 'billing_error',
  403: 'permission_error',
  404: 'not_found_error',
  413: 'request_too_large',
  422: 'invalid_request_error',
  429: 'rate_limit_error',
  503: 'overloaded_error',
  504: 'timeout_error',
  529: 'overloaded_error'
}

/** The error object Anthropic's SDKs understand; `code` and `details` are ours. */
export function toAnthropicError(error: LoomError): { type: 'error', error: Record<string, unknown> } {
  return {
    type: 'error',
    error: {
      type: ownType(error) ?? types[error.status] ?? (error.status < 500 ? 'invalid_request_error' : 'api_error'),
      message: error.message,
      code: error.code,
      ...(error.param && { param: error.param }),
      ...(error.details && { details: { ...error.details, ...ownCode(error) } })
    }
  }
}

/** Anthropic's own word for a failure in the middle of an answer: clients repeat a call that found it overloaded. */
function ownType(error: LoomError): string | undefined {
  return error instanceof ToldFailure ? Object.values(types).find(type => type === error.word) : undefined
}

/** Anthropic's own code, where its SDK looks for it: by `thread_not_found` it begins a thread anew. */
function ownCode(error: LoomError): { error_code?: string } {
  return error instanceof UpstreamStatusError && error.told.code !== undefined ? { error_code: error.told.code } : {}
}
