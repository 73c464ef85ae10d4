import type { Runtime } from '../runtime'

/** Removes bytes whose rows are gone. What cannot be removed is only waste: it is logged and counted, and holds nothing up. */
export async function removeBytes({ fileStore, log, metrics }: Pick<Runtime, 'fileStore' | 'log' | 'metrics'>, storageKeys: readonly string[]): Promise<void> {
  for (const storageKey of storageKeys) {
    await fileStore.remove(storageKey).catch((error: unknown) => {
      metrics.failures.inc({ what: 'purge_files' })
      log.error({ err: error, storageKey }, 'The bytes of something purged could not be removed')
    })
  }
}
