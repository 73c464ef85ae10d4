import { DrizzleQueryError } from 'drizzle-orm'

export interface LoggableError {
  type: string
  message: string
  code?: string
  stack?: string
  cause?: LoggableError
}

const MAX_CAUSES = 5

export type RootCause = Pick<LoggableError, 'type' | 'message' | 'code'>

/** What an error came of in the end, as far as it is logged, short enough for the line of every call that it may befall. */
export function findRootCause(error: unknown): RootCause {
  let root = toLoggableError(error)
  while (root.cause) root = root.cause
  const { type, message, code } = root
  return { type, message, ...(code && { code }) }
}

/** An error as it may be logged: what went wrong and where, without the values a failed query carried in its message. */
export function toLoggableError(error: unknown, remainingCauses = MAX_CAUSES): LoggableError {
  if (!(error instanceof Error)) return { type: typeof error, message: String(error) }
  const cause = error.cause === undefined || remainingCauses === 0 ? undefined : toLoggableError(error.cause, remainingCauses - 1)
  // Its message, which its stack repeats, ends with every parameter: e-mail addresses, hashes, session tokens.
  const text = error instanceof DrizzleQueryError ? { message: `Failed query: ${error.query}` } : { message: error.message, ...(error.stack && { stack: error.stack }) }
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined
  return { type: error.name, ...text, ...(code && { code }), ...(cause && { cause }) }
}
