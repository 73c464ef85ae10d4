import type { Page } from '@playwright/test'
import { CreatedApiKey } from '../../shared/keys'
import { expectAccessible } from './expect-accessible'
import { expect, test } from './fixtures'
import type { ChatClient } from '../support/chat-client'
import type { LoomServer } from '../support/loom-server'
import { admin } from '../support/set-up-loom'

/** A few answered calls and a failed one, by a key whose name would do harm if it could. */
async function makeCalls(loom: LoomServer, post: (path: string, body: unknown) => Promise<unknown>) {
  const made = await post('/keys', { name: '<script>alert(1)</script>', scopes: ['inference'] })
  const key = typeof made === 'object' && made !== null && 'key' in made ? String(made.key) : ''
  for (const model of ['demo', 'demo', 'no-such-model']) {
    await fetch(`${loom.url}/v1/chat/completions`, { method: 'POST', headers: { 'authorization': `Bearer ${key}`, 'content-type': 'application/json' }, body: JSON.stringify({ model, messages: [{ role: 'user', content: 'What is a heddle?' }] }) }).then(answer => answer.text())
  }
}

test.beforeEach(async ({ client, loom }) => {
  await makeCalls(loom, (path, body) => client.post(path, body))
})

for (const theme of ['dark', 'light']) {
  test(`the overview and a trace in ${theme} can be read by everyone`, async ({ page }) => {
    await page.addInitScript(mode => localStorage.setItem('nuxt-color-mode', mode), theme)
    for (const path of ['/dashboard?window=24h', '/dashboard/traces']) {
      await page.goto(path)
      if (path.includes('traces')) {
        await page.locator('[data-trace]').first().click()
        await expect(page.getByRole('complementary', { name: 'Trace' })).toContainText('Timeline')
      }
      await expect(page.locator('[aria-busy=true]')).toHaveCount(0)
      await expectAccessible(page)
    }
  })
}

/** A call, and what the overview must show once it has come. */
async function callOnce(loom: LoomServer, client: ChatClient) {
  const { key } = CreatedApiKey.parse(await client.post('/keys', { name: `Overview ${crypto.randomUUID()}` }))
  const answer = await fetch(`${loom.url}/v1/chat/completions`, { method: 'POST', headers: { 'authorization': `Bearer ${key}`, 'content-type': 'application/json' }, body: JSON.stringify({ model: 'demo', messages: [{ role: 'user', content: 'And a shuttle?' }] }) })
  expect(answer.status, await answer.text()).toBe(200)
  return answer.headers.get('x-request-id')
}

/** Opens it and stops the page's clock: from here on only the test moves it. */
async function openOverview(page: Page) {
  await page.clock.install()
  await page.goto('/dashboard?window=24h')
  await expect(page.locator('[data-trace]').first()).toBeVisible()
  const read = summaryRead(page)
  await page.clock.pauseAt(Date.now() + 60_000)
  await read
}

const summaryRead = (page: Page) => page.waitForResponse(response => response.url().includes('/api/analytics/summary') && response.ok())

test('new calls come into the overview by themselves, without a reload', async ({ page, loom, client }) => {
  await openOverview(page)
  const figure = page.getByRole('definition').first()
  const before = await figure.innerText()
  await page.evaluate(() => Reflect.set(window, 'notReloaded', true))
  const id = await callOnce(loom, client)
  const read = summaryRead(page)
  await page.clock.runFor(15_000)
  await read
  await expect(page.locator(`[data-trace="${id}"]`)).toBeVisible()
  await expect(figure).not.toHaveText(before)
  expect(await page.evaluate(() => Reflect.get(window, 'notReloaded'))).toBe(true)
})

test('the overview stands still while live is off, and while nobody looks at it', async ({ page, loom, client }) => {
  await openOverview(page)
  const asked: string[] = []
  page.on('request', request => request.url().includes('/api/analytics/') && asked.push(request.url()))
  const live = page.getByRole('switch', { name: 'Live' })
  await live.click()
  await expect(live).not.toBeChecked()
  const id = await callOnce(loom, client)
  await page.clock.runFor(60_000)
  await hide(page, true)
  await live.click()
  await expect(live).toBeChecked()
  await page.clock.runFor(60_000)
  expect(asked).toEqual([])
  await expect(page.locator(`[data-trace="${id}"]`)).toHaveCount(0)
  await hide(page, false)
  const read = summaryRead(page)
  await page.clock.runFor(15_000)
  await read
  await expect(page.locator(`[data-trace="${id}"]`)).toBeVisible()
})

/** As a browser tells a page whose tab is left or come back to; one without a window never does. */
async function hide(page: Page, hidden: boolean) {
  await page.evaluate((state) => {
    Object.defineProperty(document, 'visibilityState', { configurable: true, get: () => state })
    document.dispatchEvent(new Event('visibilitychange'))
  }, hidden ? 'hidden' : 'visible')
}

test.describe('a visitor', () => {
  test.use({ storageState: { cookies: [], origins: [] } })

  test('who logs in finds the charts drawn, their labels beside them', async ({ page }) => {
    await page.goto('/login?next=/dashboard')
    await page.getByRole('textbox', { name: 'Email' }).fill(admin.email)
    await page.getByRole('textbox', { name: 'Password' }).fill(admin.password)
    await page.getByRole('button', { name: 'Log in' }).click()
    // Where they cannot be placed the browser reports an error.
    await expect(page.getByRole('group', { name: /chart/ }).first().locator('svg text').first()).toBeVisible()
  })
})

test('a chart is walked through by keyboard, and its figures are there as a table', async ({ page }) => {
  await page.goto('/dashboard?window=24h&show=requests&by=status')
  const live = page.getByRole('switch', { name: 'Live' })
  await live.click()
  await expect(live).not.toBeChecked()
  const chart = page.getByRole('group', { name: /Requests by status, chart/ })
  const said = chart.locator('[aria-live]')
  await chart.focus()
  await page.keyboard.press('End')
  await expect(said).not.toBeEmpty()
  // The calls are of the newest hour, unless that began after them.
  if (!(await said.innerText()).includes('200')) await page.keyboard.press('ArrowLeft')
  await expect(said).toContainText('200')
  await page.getByRole('button', { name: 'Requests by status as a table' }).click()
  await expect(page.getByRole('region', { name: 'Requests by status, table' }).getByRole('columnheader', { name: '200' })).toBeVisible()
})

test('the labels of small amounts stand whole beside their chart', async ({ page }) => {
  await page.goto('/dashboard?window=24h')
  const chart = page.getByRole('group', { name: /Cost by model, chart/ })
  const labels = chart.locator('svg text').filter({ hasText: /^\$0\.0/ })
  await expect(labels.first()).toBeVisible()
  const left = await chart.evaluate(element => element.getBoundingClientRect().left)
  for (const label of await labels.all()) expect(await label.evaluate(element => element.getBoundingClientRect().left)).toBeGreaterThanOrEqual(left)
})

test('a filter stands in the address, narrows the list, and survives a reload', async ({ page }) => {
  await page.goto('/dashboard/traces?status=error')
  const rows = page.locator('[data-trace]')
  await expect(rows.first()).toBeVisible()
  await expect(page.getByText('no-such-model').first()).toBeVisible()
  await page.reload()
  expect(new URL(page.url()).searchParams.get('status')).toBe('error')
  await page.getByRole('button', { name: 'Clear' }).click()
  await expect(page).not.toHaveURL(/status=/)
})

test('J and K go through the filtered traces beside the open one', async ({ page, isMobile }) => {
  test.skip(isMobile, 'a phone has no keyboard')
  await page.goto('/dashboard/traces')
  const rows = page.locator('[data-trace]')
  const first = await rows.first().getAttribute('data-trace')
  await rows.first().click()
  await expect(page).toHaveURL(new RegExp(`trace=${first}`))
  await expect(page.getByRole('complementary', { name: 'Trace' })).toContainText('Timeline')
  await page.keyboard.press('j')
  await expect(page).not.toHaveURL(new RegExp(`trace=${first}`))
  await page.keyboard.press('k')
  await expect(page).toHaveURL(new RegExp(`trace=${first}`))
})
