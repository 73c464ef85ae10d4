import type { Page } from '@playwright/test'
import { until } from './until'

/** As long as the network of a page has to rest to be called idle. */
const QUIET_MS = 500

const isScript = ({ url }: { url: string }) => new URL(url).pathname.endsWith('.js')

interface Fetched { url: string, prefetched: boolean, bytes: number }

/**
 * Bytes of scripts, headers included, as they come over the wire, that a page runs before anything is done with it: until `shown` resolves, and
 * until no more of them is fetched. What is fetched ahead (`<link rel="prefetch">`) counts where something runs it.
 */
export async function measureScripts(page: Page, path: string, shown: () => Promise<unknown>): Promise<number> {
  const session = await page.context().newCDPSession(page)
  await session.send('Network.enable')
  const requests = new Map<string, Fetched>()
  const pending = new Set<string>()
  let changedAt = Date.now()
  session.on('Network.requestWillBeSent', ({ requestId, request }) => {
    const prefetched = Object.entries(request.headers).some(([name, value]) => /purpose/i.test(name) && value.includes('prefetch'))
    requests.set(requestId, { url: request.url, prefetched, bytes: 0 })
    if (!isScript(request)) return
    pending.add(requestId)
    changedAt = Date.now()
  })
  const ended = (requestId: string) => {
    if (pending.delete(requestId)) changedAt = Date.now()
  }
  session.on('Network.loadingFailed', ({ requestId }) => ended(requestId))
  session.on('Network.loadingFinished', ({ requestId, encodedDataLength }) => {
    const request = requests.get(requestId)
    if (request) request.bytes = encodedDataLength
    ended(requestId)
  })
  await page.goto(path)
  await shown()
  // Not until the whole network is idle: a page that is looked at follows what changes.
  await until(() => pending.size === 0 && Date.now() - changedAt >= QUIET_MS, { timeoutMs: 60_000, what: () => 'the last script' })
  await session.detach()
  const scripts = [...requests.values()].filter(isScript)
  const needed = new Set(scripts.filter(({ prefetched }) => !prefetched).map(({ url }) => url))
  return scripts.filter(({ url }) => needed.has(url)).reduce((sum, { bytes }) => sum + bytes, 0)
}
