import { ZodError } from 'zod'
import { isDatabaseGone } from '../../db/is-database-gone'
import { databaseUnavailable, LoomError } from '../errors'
import type { ApiErrorBody } from '../../shared/errors'

export interface ApiErrorResponse {
  status: number
  headers: Record<string, string>
  body: ApiErrorBody
  /** Ours to repair, not the caller's: to be logged with its cause. */
  unexpected: boolean
}

/** The one place that turns whatever a domain threw into what `/api` answers. */
export function toApiError(error: unknown): ApiErrorResponse {
  const known = error instanceof ZodError ? fromZod(error) : !(error instanceof LoomError) && isDatabaseGone(error) ? databaseUnavailable(error) : error
  if (!(known instanceof LoomError)) return respond(new LoomError('internal_error', 'Something went wrong on our side. Try again; if it stays, look into the server\'s log.'), true)
  return respond(known, known.status >= 500)
}

function fromZod(error: ZodError): LoomError {
  const issues = error.issues.map(issue => ({ path: issue.path.map(String).join('.'), message: issue.message }))
  const first = issues[0]
  const message = first ? `${first.path ? `${first.path}: ` : ''}${first.message}` : 'The request is not valid.'
  return new LoomError('invalid_request', message, { details: { issues }, param: first?.path || undefined })
}

function respond(error: LoomError, unexpected: boolean): ApiErrorResponse {
  return {
    status: error.status,
    headers: error.retryAfterSeconds === undefined ? {} : { 'retry-after': String(Math.ceil(error.retryAfterSeconds)) },
    body: { error: { code: error.code, message: error.message, ...(error.param && { param: error.param }), ...(error.details && { details: error.details }) } },
    unexpected
  }
}
