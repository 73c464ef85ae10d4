import type { Page } from '@playwright/test'

/** What a page's own clock and DOM tell while `work` runs. */
export interface Watched {
  /** Milliseconds from one frame to the next. */
  framesMs: number[]
  mostElements: number
}

/** Counts frames and elements of the page while `work` runs. */
export async function watchFrames(page: Page, work: () => Promise<void>): Promise<Watched> {
  await page.evaluate(() => {
    const watched = { framesMs: [] as number[], mostElements: 0, running: true }
    Reflect.set(window, 'watched', watched)
    let last = performance.now()
    const frame = (now: number) => {
      watched.framesMs.push(now - last)
      last = now
      if (watched.framesMs.length % 10 === 0) watched.mostElements = Math.max(watched.mostElements, document.getElementsByTagName('*').length)
      if (watched.running) requestAnimationFrame(frame)
    }
    requestAnimationFrame(frame)
  })
  await work()
  return page.evaluate(() => {
    const watched = Reflect.get(window, 'watched')
    watched.running = false
    return { framesMs: watched.framesMs.slice(1), mostElements: watched.mostElements }
  })
}

/** How far the row in the middle of the view strays from where it stood, in pixels, over `forMs`. */
export async function measureDrift(page: Page, forMs: number): Promise<number> {
  return page.evaluate(async (duration) => {
    const row = document.elementFromPoint(innerWidth / 2, innerHeight / 3)?.closest('[data-row]')
    if (!row) throw new Error('There is no row in the middle of the view')
    const start = row.getBoundingClientRect().top
    const until = performance.now() + duration
    let furthest = 0
    while (performance.now() < until) {
      await new Promise(requestAnimationFrame)
      furthest = Math.max(furthest, Math.abs(row.getBoundingClientRect().top - start))
    }
    return furthest
  }, forMs)
}

/** Milliseconds from each key to the frame that shows it; the browser reports none below 16. */
export async function measureTyping(page: Page, type: () => Promise<void>): Promise<number[]> {
  await page.evaluate(() => {
    const keys: number[] = []
    Reflect.set(window, 'keys', keys)
    const observer = new PerformanceObserver(list => list.getEntries().forEach(entry => entry.name === 'keydown' && keys.push(entry.duration)))
    const events = { type: 'event', durationThreshold: 16 }
    observer.observe(events)
  })
  await type()
  await page.waitForTimeout(500)
  return page.evaluate(() => Reflect.get(window, 'keys'))
}

/** Bytes of the heap that are in use after a collection. */
export async function heapBytes(page: Page): Promise<number> {
  const session = await page.context().newCDPSession(page)
  await session.send('HeapProfiler.collectGarbage')
  const { usedSize } = await session.send('Runtime.getHeapUsage')
  await session.detach()
  return usedSize
}
