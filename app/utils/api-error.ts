import type { Translate } from './translate'

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
  const data = read(thrown, 'data')
  const error = read(data, 'error')
  const [code, message] = [readText(error, 'code'), readText(error, 'message')]
  if (code !== undefined && message !== undefined) return new ApiError(status, code, message, readText(error, 'param'), readDetails(error))
  // What the sign-in library answers.
  const refusal = readText(data, 'message')
  if (refusal !== undefined) return new ApiError(status, readText(data, 'code') ?? 'refused', refusal)
  return status
    ? new ApiError(status, 'unexpected_reply', t('app.errors.status', { status }))
    : new ApiError(0, 'unreachable', t('app.errors.unreachable'))
}

// By hand: every page can fail, and contracts would bring their library into the first load of all of them.
const read = (from: unknown, name: string): unknown => typeof from === 'object' && from !== null ? Reflect.get(from, name) : undefined

function readText(from: unknown, name: string): string | undefined {
  const text = read(from, name)
  return typeof text === 'string' ? text : undefined
}

function readDetails(error: unknown): Record<string, unknown> | undefined {
  const details = read(error, 'details')
  return typeof details === 'object' && details !== null ? { ...details } : undefined
}

function readStatus(thrown: unknown): number {
  const status = read(thrown, 'statusCode') ?? read(thrown, 'status')
  return typeof status === 'number' ? status : 0
}
