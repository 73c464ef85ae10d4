import type { Page } from '@playwright/test'

interface Fetched { url: string, prefetched: boolean, bytes: number }

/**
 * Bytes of scripts, headers included, as they come over the wire, that a page runs before anything is done with it: until `shown` resolves, and
 * until nothing more is fetched. What is fetched ahead (`<link rel="prefetch">`) counts where something runs it.
 */
export async function measureScripts(page: Page, path: string, shown: () => Promise<unknown>): Promise<number> {
  const session = await page.context().newCDPSession(page)
  await session.send('Network.enable')
  const requests = new Map<string, Fetched>()
  session.on('Network.requestWillBeSent', ({ requestId, request }) => {
    const prefetched = Object.entries(request.headers).some(([name, value]) => /purpose/i.test(name) && value.includes('prefetch'))
    requests.set(requestId, { url: request.url, prefetched, bytes: 0 })
  })
  session.on('Network.loadingFinished', ({ requestId, encodedDataLength }) => {
    const request = requests.get(requestId)
    if (request) request.bytes = encodedDataLength
  })
  await page.goto(path)
  await shown()
  await page.waitForLoadState('networkidle')
  await session.detach()
  const scripts = [...requests.values()].filter(({ url }) => new URL(url).pathname.endsWith('.js'))
  const needed = new Set(scripts.filter(({ prefetched }) => !prefetched).map(({ url }) => url))
  return scripts.filter(({ url }) => needed.has(url)).reduce((sum, { bytes }) => sum + bytes, 0)
}
