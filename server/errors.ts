/**
 * The errors domains throw. Each carries what every dialect needs; one place per dialect maps them (the gateway's
 * OpenAI object, the browser API's problem object). Messages are shown to callers: what happened, what to do next,
 * never a secret, a stack or another tenant.
 */
export class LoomError extends Error {
  /** Details a program may read, never secrets. */
  readonly details: Record<string, unknown> | undefined
  /** Seconds after which the same call may succeed. */
  readonly retryAfterSeconds: number | undefined
  /** The request field at fault, in the caller's own words. */
  readonly param: string | undefined

  constructor(
    readonly code: ErrorCode,
    message: string,
    options: { cause?: unknown, details?: Record<string, unknown>, retryAfterSeconds?: number, param?: string } = {}
  ) {
    super(message, { cause: options.cause })
    this.name = 'LoomError'
    this.details = options.details
    this.retryAfterSeconds = options.retryAfterSeconds
    this.param = options.param
  }

  get status(): number {
    return statusOf[this.code]
  }
}

/** The HTTP status of each code. */
export const statusOf = {
  invalid_request: 400,
  invalid_api_key: 401,
  unauthenticated: 401,
  insufficient_funds: 402,
  budget_exceeded: 402,
  forbidden: 403,
  insufficient_scope: 403,
  model_not_allowed: 403,
  not_found: 404,
  model_not_found: 404,
  conflict: 409,
  ref_id_conflict: 409,
  idempotency_conflict: 409,
  body_too_large: 413,
  model_without_price: 422,
  rate_limit_exceeded: 429,
  caller_gone: 499,
  internal_error: 500,
  upstream_error: 502,
  no_healthy_target: 503,
  service_unavailable: 503,
  upstream_timeout: 504
} as const

export type ErrorCode = keyof typeof statusOf

/** The database does not answer what a call needs to know: nothing has happened yet, and the same call may succeed soon. */
export function databaseUnavailable(cause: unknown): LoomError {
  return new LoomError('service_unavailable', 'The database cannot be reached right now. Nothing was charged; try again shortly.', { cause, retryAfterSeconds: 2 })
}
