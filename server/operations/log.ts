import pino from 'pino'
import type { Config } from '../config'
import { toLoggableError } from './loggable-error'
import type { Metrics } from './metrics'

/** A write a line, or a thread woken a write, would be a tenth of the gateway's CPU time: lines wait for company, but not for long. */
const BUFFER_BYTES = 8_192
const FLUSH_MS = 100
/** What waits for a place that takes nothing, such as a full disk or a reader who hangs; what comes beyond it is lost. */
const BUFFER_MAX_BYTES = 1_048_576
const MAX_LAST_WRITES = 200
const BUSY_MS = 10

/**
 * Structured JSON lines on stdout. Never given bodies or secrets; what might carry one by accident (headers,
 * credentials in an error object) is redacted by name. Writing one never throws: a write that failed is tried again, and counted as `log_write`; a line for which
 * there is no room is lost, and counted as `log`.
 */
export function createLog(config: Pick<Config, 'LOG_LEVEL'>, { failures }: Pick<Metrics, 'failures'>) {
  const destination = pino.destination({
    dest: 1,
    sync: true,
    minLength: BUFFER_BYTES,
    maxLength: BUFFER_MAX_BYTES,
    periodicFlush: FLUSH_MS,
    // It would wait for a pipe that is full, and the process with it.
    retryEAGAIN: () => false
  })
  // With nobody to hear of it, the error would be thrown at whoever logs.
  destination.on('error', () => failures.inc({ what: 'log_write' }))
  destination.on('drop', () => failures.inc({ what: 'log' }))
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
 * The last lines of a process wait for company, too; pino itself sees to that only where it writes asynchronously. By a bounded number of writes, each
 * of a part of what waits: `flushSync` tries for ever where nobody reads them any more, or the disk is full. Who is only slow to read gets two seconds.
 */
function writeLastLines(destination: ReturnType<typeof pino.destination>): void {
  let failure: NodeJS.ErrnoException | undefined
  destination.on('error', (error: NodeJS.ErrnoException) => failure = error)
  for (let writes = 0; writes < MAX_LAST_WRITES && (!failure || failure.code === 'EAGAIN'); writes++) {
    if (failure) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, BUSY_MS)
    failure = undefined
    destination.flush()
  }
  if (failure) process.stderr.write(`The last lines of the log could not be written: ${String(failure)}\n`)
}

export type Log = ReturnType<typeof createLog>
