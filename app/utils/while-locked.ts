import { makeId } from '~/utils/make-id'

const TAKEN = 'taken'
/** Within this time, a tab that lives says that a name is taken, however busy it is. */
const ANSWER_MS = 2_000

/**
 * Runs `work` while no other tab does so under the same name.
 * @param waitMs how long another tab may go on doing so; after that, `work` is not run. 0 for a name that this tab has just made up
 */
export async function whileLocked(name: string, work: () => Promise<void>, { waitMs }: { waitMs: number }): Promise<void> {
  // Browsers have locks only where the page came over TLS.
  if (!('locks' in navigator)) return whileUnclaimed(name, work, { isNew: waitMs === 0 })
  const signal = waitMs > 0 ? AbortSignal.timeout(waitMs) : undefined
  try {
    await navigator.locks.request(name, { signal }, work)
  } catch (error) {
    if (!signal?.aborted) throw error
  }
}

/** The same by word of mouth: a tab asks with an id, whoever works says that the name is taken, and of those who ask at once the lowest id is left. */
async function whileUnclaimed(name: string, work: () => Promise<void>, { isNew }: { isNew: boolean }): Promise<void> {
  const id = makeId()
  const channel = new BroadcastChannel(name)
  let working = isNew
  const taken = new Promise<boolean>((resolve) => {
    channel.onmessage = ({ data }: MessageEvent<string>) => {
      if (data !== TAKEN && (working || data > id)) channel.postMessage(TAKEN)
      else resolve(true)
    }
    setTimeout(resolve, ANSWER_MS, false)
  })
  try {
    if (!working) channel.postMessage(id)
    working ||= !await taken
    if (working) await work()
  } finally {
    channel.close()
  }
}
