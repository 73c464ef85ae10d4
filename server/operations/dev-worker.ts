import { setTimeout as sleep } from 'node:timers/promises'
import { DataFolderInUseError } from '../../db/lock-data-folder'
import type { Config } from '../config'

/** Nuxt's development server ends a worker within five seconds. */
const LAST_WORKER_MS = 6_000
const PAUSE_MS = 100

/**
 * The settings of a worker of Nuxt's development server, which begins one at each change of the server's code: each but the first is a reload, and the
 * one before is cut off unless it ends at once.
 * @param id `1` is the first
 */
export function forDevWorker(config: Config, id: string): Config {
  return { ...config, SHUTDOWN_TIMEOUT_MS: 0, DB_RESET_ON_START: config.DB_RESET_ON_START && id === '1' }
}

/** Opens the database once the worker before has let go of it: Nuxt does not wait for its end. */
export async function afterLastWorker<T>(open: () => Promise<T>): Promise<T> {
  const deadline = performance.now() + LAST_WORKER_MS
  for (;;) {
    try {
      return await open()
    } catch (error) {
      if (!(error instanceof DataFolderInUseError) || performance.now() > deadline) throw error
      await sleep(PAUSE_MS)
    }
  }
}
