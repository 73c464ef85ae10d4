import type { Browser, BrowserContext, Page } from '@playwright/test'
import { measureScripts } from '../../tests/support/measure-scripts'
import { heapBytes, measureDrift, measureTyping, watchFrames } from './watch-page'
import type { Watched } from './watch-page'
import type { SeededConversation } from './seed-conversations'

const VIEWPORT = { width: 1440, height: 900 }
const KEYS = 80
/** A turn of a wheel. */
const WHEEL_PX = 240

/** A browser at the built server, signed in. */
export interface ChatBench {
  browser: Browser
  url: string
  cookie: string
}

const pathOf = ({ id, projectId }: Pick<SeededConversation, 'id' | 'projectId'>) => `/projects/${projectId}/c/${id}`

export async function openContext({ browser, url, cookie }: ChatBench): Promise<BrowserContext> {
  const context = await browser.newContext({ viewport: VIEWPORT, baseURL: url, reducedMotion: 'reduce', colorScheme: 'dark' })
  // What runs TypeScript here wraps named functions in a helper that pages do not have.
  await context.addInitScript('globalThis.__name = value => value')
  await context.addCookies(cookie.split('; ').map((pair) => {
    const at = pair.indexOf('=')
    return { name: pair.slice(0, at), value: pair.slice(at + 1), domain: new URL(url).hostname, path: '/' }
  }))
  return context
}

async function openConversation(page: Page, conversation: SeededConversation): Promise<number> {
  await page.goto(pathOf(conversation), { waitUntil: 'commit' })
  const shown = await page.waitForFunction((id) => {
    const row = document.querySelector(`[data-row="${id}"]`)
    return row?.querySelector('p') && row.getBoundingClientRect().top < innerHeight ? performance.now() : undefined
  }, conversation.lastMessageId, { polling: 'raf', timeout: 60_000 })
  return shown.evaluate(value => Number(value))
}

/** Milliseconds from a navigation with an empty cache to the newest message on the screen. */
export async function measureFirstContent(bench: ChatBench, conversation: SeededConversation): Promise<number> {
  const context = await openContext(bench)
  const took = await openConversation(await context.newPage(), conversation)
  await context.close()
  return took
}

/** Bytes of scripts, as they come over the wire, until an empty chat can be written in, and until a conversation that was opened by its address is on the screen. */
export async function measureFirstLoad(bench: ChatBench, conversation: SeededConversation): Promise<{ newChatBytes: number, conversationBytes: number }> {
  const inNewBrowser = async (path: string, shown: (page: Page) => Promise<unknown>) => {
    const context = await openContext(bench)
    const page = await context.newPage()
    const bytes = await measureScripts(page, path, () => shown(page))
    await context.close()
    return bytes
  }
  return {
    newChatBytes: await inNewBrowser(pathOf({ ...conversation, id: 'new' }), focusComposer),
    conversationBytes: await inNewBrowser(pathOf(conversation), async (page) => {
      await page.locator(`[data-row="${conversation.lastMessageId}"] p`).first().waitFor()
      await focusComposer(page)
    })
  }
}

/** It takes the focus once it can be written in. */
const focusComposer = (page: Page) => page.locator('textarea:focus').waitFor()

/** Scrolls far up through a thread, older pages included. */
export async function measureScrolling(page: Page, conversation: SeededConversation, turns: number): Promise<Watched> {
  await openConversation(page, conversation)
  await page.mouse.move(VIEWPORT.width / 2, VIEWPORT.height / 2)
  return watchFrames(page, async () => {
    for (let turn = 0; turn < turns; turn++) {
      await page.mouse.wheel(0, -WHEEL_PX)
      await page.waitForTimeout(30)
    }
  })
}

export interface WhileStreaming {
  keysMs: number[]
  driftPx: number
  /** In use after a collection, a fifth into the stream and at its end. */
  heapBytes: { early: number, late: number }
}

/** Types, scrolls away and waits while the model of this page writes, for `streamMs`. */
export async function measureStreaming(page: Page, conversation: SeededConversation, streamMs: number): Promise<WhileStreaming> {
  await openConversation(page, conversation)
  const message = page.getByRole('textbox', { name: 'Message', exact: true })
  await message.fill('Tell me everything')
  await message.press('Enter')
  await page.locator('[data-status=streaming]').waitFor()
  const startedAt = performance.now()
  const waitUntil = (ms: number) => page.waitForTimeout(Math.max(0, startedAt + ms - performance.now()))
  const slow = await measureTyping(page, () => message.pressSequentially('x'.repeat(KEYS), { delay: 40 }))
  // Those the browser did not report were quicker than 16 ms.
  const keysMs = [...slow, ...Array.from({ length: Math.max(0, KEYS - slow.length) }, () => 16)]
  await page.mouse.move(VIEWPORT.width / 2, VIEWPORT.height / 2)
  await page.mouse.wheel(0, -900)
  await page.waitForTimeout(800)
  const driftPx = await measureDrift(page, 3_000)
  await waitUntil(streamMs / 5)
  const early = await heapBytes(page)
  await waitUntil(streamMs)
  const late = await heapBytes(page)
  await page.getByRole('button', { name: 'Stop the answer' }).click()
  return { keysMs, driftPx, heapBytes: { early, late } }
}
