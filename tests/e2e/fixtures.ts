import { test as base } from '@playwright/test'
import type { Page } from '@playwright/test'
import { ChatClient } from '../support/chat-client'
import type { LoomServer } from '../support/loom-server'
import { PIXEL } from '../support/file-client'
import { startLoomServer } from '../support/loom-server'
import type { MockUpstream } from '../support/mock-upstream'
import { startMockUpstream } from '../support/mock-upstream'
import { setUpLoom } from '../support/set-up-loom'
import type { Session } from '../support/set-up-loom'
import { hostileMarkdown } from './hostile-markdown'
import { scholarlyMarkdown } from './scholarly-markdown'

export { expect } from '@playwright/test'

interface WorkerFixtures {
  /** The built server with an embedded database, set up; one for all tests of a worker. */
  loom: LoomServer
  /** The administrator's. */
  session: Session
  /** The same, for what a test prepares without the browser. */
  client: ChatClient
  /** A provider behind the connection `mock`, with the models of `mockModels`. */
  mock: MockUpstream
}

const long = 'The loom is warped before the first thread goes through it. '

/** What a model paints. */
const painted: string[] = [`data:image/png;base64,${PIXEL.toString('base64')}`]

export const mockModels = {
  /** The first answers where nobody has chosen a model. */
  brief: { text: long },
  /** Says half of its answer and then nothing more: it runs until it is stopped. */
  stalling: { text: long.repeat(4), chunks: 8, fault: 'stalls' },
  /** Several screens of text, in many pieces. */
  long: { text: Array.from({ length: 60 }, (_, line) => `Line ${line + 1}: ${long}`).join('\n\n'), chunks: 200, chunkIntervalMs: 15 },
  refusing: { status: 400, errorBody: JSON.stringify({ error: { message: 'This prompt is not allowed.', type: 'invalid_request_error' } }) },
  hostile: { text: hostileMarkdown, chunks: 40 },
  /** Markdown that needs nothing but itself: no colours, formulas or diagrams. */
  tabular: { text: `## Cloth\n\n${long}\n\n- warp\n- **weft**\n\n| Thread | Count |\n|---|---:|\n| Linen | 1,200 |\n\n> ${long}` },
  scholar: { text: scholarlyMarkdown, chunks: 40 },
  /** From the right, but for its code. */
  arabic: { text: '## النول\n\nيُشَدّ النول قبل أن يمرّ الخيط الأول. شغّل `npm start` ثم انتظر.\n\n- الخيط الأول\n- الخيط الثاني\n\n> قول قديم\n\n```sh\nnpm start\n```\n\nAnd from the left again.' },
  painter: { text: 'Here it is.', images: painted },
  flood: { text: `${Array.from({ length: 72_000 }, (_, drop) => `Drop ${drop + 1}. ${long}`).join('\n')}\n\nThe last drop.`, chunks: 400, chunkIntervalMs: 2 },
  /** As fast as it can. */
  drizzle: { chunks: 20_000, chunkBytes: 7 }
} as const

/**
 * Tests whose `page` is signed in as the administrator. A visitor's page:
 * `test.use({ storageState: { cookies: [], origins: [] } })`. A server nobody has set up: `startLoomServer()`.
 * Its `goto` and `reload` wait until the page can be used. A page that reports an error of its own (a script's, a hydration mismatch, a breach of the content policy) fails its test.
 */
export const test = base.extend<object, WorkerFixtures>({
  loom: [async ({}, use) => {
    const loom = await startLoomServer()
    await use(loom)
    await loom.remove()
  }, { scope: 'worker', timeout: 180_000 }],
  session: [async ({ loom }, use) => {
    await use(await setUpLoom(loom))
  }, { scope: 'worker' }],
  client: [async ({ loom, session }, use) => {
    await use(new ChatClient(loom, session))
  }, { scope: 'worker' }],
  mock: [async ({ client }, use) => {
    const mock = await startMockUpstream({ models: mockModels })
    await client.post('/connections', { kind: 'openai-compatible', name: 'mock', baseUrl: mock.baseUrl, secret: 'sk-mock', config: { models: Object.keys(mockModels) } })
    await use(mock)
    await mock.stop()
  }, { scope: 'worker' }],
  baseURL: async ({ loom }, use) => {
    await use(loom.url)
  },
  storageState: async ({ loom, session }, use) => {
    const domain = new URL(loom.url).hostname
    const cookies = session.cookie.split('; ').map((cookie) => {
      const at = cookie.indexOf('=')
      return { name: cookie.slice(0, at), value: cookie.slice(at + 1), domain, path: '/', expires: -1, httpOnly: true, secure: false, sameSite: 'Lax' as const }
    })
    await use({ cookies, origins: [] })
  },
  page: async ({ page }, use) => {
    const errors = collectErrors(page)
    waitUntilAlive(page)
    await use(page)
    base.expect(errors).toEqual([])
  }
})

/** Lets every load of a page end only when its scripts have taken it over: a click before that would do nothing. */
export function waitUntilAlive(page: Page) {
  const goto = page.goto.bind(page)
  const reload = page.reload.bind(page)
  const alive = () => page.waitForFunction(() => {
    const useNuxtApp: unknown = Reflect.get(window, 'useNuxtApp')
    return typeof useNuxtApp === 'function' && useNuxtApp().isHydrating === false
  })
  page.goto = async (...parameters) => {
    const response = await goto(...parameters)
    await alive()
    return response
  }
  page.reload = async (...parameters) => {
    const response = await reload(...parameters)
    await alive()
    return response
  }
}

/**
 * No errors of the page. What the server refuses, and that there is no network, is told to the person; the browser has its own line about it, and so has
 * Nuxt (NUXT_E5002) where the network goes while it asks which pages are prerendered: none is.
 */
const tellsOfNetwork = ['Failed to load resource', '[NUXT_E5002]']

function collectErrors(page: Page): string[] {
  const errors: string[] = []
  page.on('pageerror', error => errors.push(error.message))
  page.on('console', (message) => {
    if (message.type() === 'error' && !tellsOfNetwork.some(beginning => message.text().startsWith(beginning))) errors.push(message.text())
  })
  return errors
}
