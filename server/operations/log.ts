import pino from 'pino'
import type { Config } from '../config'
import { toLoggableError } from './loggable-error'

/** A write a line, or a thread woken a write, would be a tenth of the gateway's CPU time: lines wait for company, but not for long. */
const BUFFER_BYTES = 8_192
const FLUSH_MS = 100

/**
 * Structured JSON lines on stdout. Never given bodies or secrets; what might carry one by accident (headers,
 * credentials in an error object) is redacted by name.
 */
export function createLog(config: Pick<Config, 'LOG_LEVEL'>) {
  const destination = pino.destination({ dest: 1, sync: true, minLength: BUFFER_BYTES, periodicFlush: FLUSH_MS })
  process.once('exit', () => writeLastLines(destination))
  return pino({
    level: config.LOG_LEVEL,
    base: undefined,
    timestamp: pino.stdTimeFunctions.isoTime,
    serializers: { err: error => toLoggableError(error) },
    formatters: { level: label => ({ level: label }) },
    redact: { paths: ['headers', '*.headers', 'secret', '*.secret', 'password', '*.password', 'authorization', '*.authorization', '*.parameters', '*.params', '*.query'], remove: true }
  }, destination)
}

/**
 * The last lines of a process wait for company, too; pino itself sees to that only where it writes asynchronously. By one write:
 * `flushSync` tries for ever where nobody reads them any more, or the disk is full.
 */
function writeLastLines(destination: ReturnType<typeof pino.destination>): void {
  try {
    destination.flush()
  } catch (error) {
    process.stderr.write(`The last lines of the log could not be written: ${String(error)}\n`)
  }
}

export type Log = ReturnType<typeof createLog>
