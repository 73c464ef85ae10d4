import { setTimeout as sleep } from 'node:timers/promises'
import type { LoomServer } from './loom-server'

/** Sending, copying or reading a gigabyte takes many times as long. */
const LOOK_EVERY_MS = 20

/**
 * Looks at the memory that a server's process has in RAM again and again.
 * @returns ends it, and tells how much more than at the beginning it had at most, bytes
 */
export async function watchMemory({ url }: Pick<LoomServer, 'url'>): Promise<() => Promise<number>> {
  const before = await residentBytes(url)
  let peak = before
  let running = true
  const watch = (async () => {
    while (running) {
      peak = Math.max(peak, await residentBytes(url))
      await sleep(LOOK_EVERY_MS)
    }
  })()
  return async () => {
    running = false
    await watch
    return peak - before
  }
}

async function residentBytes(url: string): Promise<number> {
  const metrics = await (await fetch(`${url}/metrics`)).text()
  return Number(/^process_resident_memory_bytes ([\d.e+]+)$/m.exec(metrics)?.[1])
}
