import { z } from 'zod'
import type { Translate } from './translate'

const ErrorReply = z.object({
  data: z.object({
    error: z.object({ code: z.string(), message: z.string(), param: z.string().optional(), details: z.record(z.string(), z.unknown()).optional() })
  })
})
/** What the sign-in library answers. */
const AuthErrorReply = z.object({ data: z.object({ code: z.string().optional(), message: z.string() }) })
const StatusReply = z.object({ statusCode: z.number().optional(), status: z.number().optional() })

/** A refused or failed call of our API, in words a person can act on. */
export class ApiError extends Error {
  override name = 'ApiError'
  constructor(readonly status: number, readonly code: string, message: string, readonly param?: string, readonly details?: Record<string, unknown>) {
    super(message)
  }
}

/** Reads whatever a call threw. Status 0 means that the server was not reached. */
export function toApiError(thrown: unknown, t: Translate): ApiError {
  if (thrown instanceof ApiError) return thrown
  const status = readStatus(thrown)
  const reply = ErrorReply.safeParse(thrown)
  if (reply.success) {
    const { code, message, param, details } = reply.data.data.error
    return new ApiError(status, code, message, param, details)
  }
  const auth = AuthErrorReply.safeParse(thrown)
  if (auth.success) return new ApiError(status, auth.data.data.code ?? 'refused', auth.data.data.message)
  return status
    ? new ApiError(status, 'unexpected_reply', t('app.errors.status', { status }))
    : new ApiError(0, 'unreachable', t('app.errors.unreachable'))
}

function readStatus(thrown: unknown): number {
  const reply = StatusReply.safeParse(thrown)
  return reply.success ? reply.data.statusCode ?? reply.data.status ?? 0 : 0
}
