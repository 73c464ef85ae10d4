import { EmbeddedDatabaseLostError } from './embedded-connection'
import { DatabaseSilentError } from './within-deadline'

/** Codes of the driver, of the socket, and of a PostgreSQL that starts, stops or takes no more connections. */
const GONE = /^(CONNECTION_|CONNECT_TIMEOUT$|ECONN|EPIPE$|EHOSTUNREACH$|ENETUNREACH$|ETIMEDOUT$|ENOTFOUND$|EAI_AGAIN$|57P0|53300$)/

/** Whether something failed because the database cannot be reached, rather than because of what was asked of it. */
export function isDatabaseGone(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  if (error instanceof DatabaseSilentError || error instanceof EmbeddedDatabaseLostError) return true
  if (error instanceof AggregateError && error.errors.some(isDatabaseGone)) return true
  return ('code' in error && GONE.test(String(error.code))) || isDatabaseGone(error.cause)
}
