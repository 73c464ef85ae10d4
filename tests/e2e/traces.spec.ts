import type { Locator } from '@playwright/test'
import { z } from 'zod'
import { SavedViews } from '../../shared/traces'
import { expectAccessible } from './expect-accessible'
import { expect, test } from './fixtures'
import type { ChatClient } from '../support/chat-client'
import type { LoomServer } from '../support/loom-server'

/** A key with answered calls of its own, so that each test has a list nobody else writes to. */
async function askWithOwnKey(loom: LoomServer, client: ChatClient, questions: string[]) {
  const { id, key } = z.object({ id: z.string(), key: z.string() }).parse(await client.post('/keys', { name: `Traces ${crypto.randomUUID()}` }))
  const ask = async (content: string) => {
    const answer = await fetch(`${loom.url}/v1/chat/completions`, { method: 'POST', headers: { 'authorization': `Bearer ${key}`, 'content-type': 'application/json' }, body: JSON.stringify({ model: 'demo', messages: [{ role: 'user', content }] }) })
    expect(answer.status, await answer.text()).toBe(200)
  }
  for (const question of questions) await ask(question)
  return { id, ask }
}

test('new calls come on top by themselves while live is on, and older ones stay where they are', async ({ page, loom, client }) => {
  const { id, ask } = await askWithOwnKey(loom, client, ['first'])
  await page.goto(`/dashboard/traces?apiKeyId=${id}`)
  const rows = page.locator('[data-trace]')
  await expect(rows).toHaveCount(1)
  const first = await rows.first().getAttribute('data-trace')
  await page.getByRole('switch', { name: 'Live' }).click()
  await ask('second')
  await expect(rows).toHaveCount(2)
  expect(await rows.last().getAttribute('data-trace')).toBe(first)
})

test('who reads further down stays there while new calls come, however many, and goes to the newest when they want', async ({ page, loom, client }) => {
  const { id, ask } = await askWithOwnKey(loom, client, [])
  const askMany = (count: number) => Promise.all(Array.from({ length: count }, (_, call) => ask(`question ${call}`)))
  await askMany(60)
  await page.goto(`/dashboard/traces?apiKeyId=${id}`)
  const table = page.getByRole('region', { name: 'Traces', exact: true }).getByRole('table')
  await expect(table).toHaveAttribute('aria-rowcount', '61')
  const list = page.getByRole('region', { name: 'Traces, list' })
  await list.evaluate(element => element.scrollTo({ top: 20 * 37 }))
  const edgeOf = (of: Locator, edge: 'top' | 'bottom') => of.evaluate((element, name) => Math.round(element.getBoundingClientRect()[name]), edge)
  await expect.poll(() => edgeOf(page.locator('[aria-rowindex="22"]'), 'top'), 'rows stand where they are counted to').toBe(await edgeOf(table.locator('thead'), 'bottom'))
  const row = page.getByRole('row').and(page.locator('[aria-rowindex="24"]'))
  const read = row.getByRole('link')
  const trace = await read.getAttribute('data-trace')
  const readTop = () => page.locator(`[data-trace="${trace}"]`).evaluate(element => Math.round(element.getBoundingClientRect().top))
  const before = await readTop()

  const live = page.getByRole('switch', { name: 'Live' })
  await live.click()
  await askMany(2)
  await expect(table).toHaveAttribute('aria-rowcount', '63')
  await expect.poll(readTop).toBe(before)

  // More than come on top at once, also where the last look before still sees some of them.
  await live.click()
  await askMany(100)
  await live.click()
  const showNewest = page.getByRole('button', { name: 'Show the newest calls' })
  await expect(showNewest).toBeVisible()
  await expect.poll(readTop).toBe(before)
  await expectAccessible(page)
  await showNewest.click()
  await expect(showNewest).toBeHidden()
  const { items: [newest] } = z.object({ items: z.array(z.object({ id: z.string() })) }).parse(await client.get(`/traces?apiKeyId=${id}&limit=1`))
  await expect(page.locator('[data-trace]').first()).toHaveAttribute('data-trace', newest?.id ?? '')
  await expect.poll(() => list.evaluate(element => element.scrollTop)).toBe(0)
  await expect(page.locator('[data-trace]').first()).toBeFocused()
})

test('a call leads to its key', async ({ page, loom, client }) => {
  const { id } = await askWithOwnKey(loom, client, ['first'])
  await page.goto(`/dashboard/traces?apiKeyId=${id}`)
  await page.locator('[data-trace]').first().click()
  await page.getByRole('link', { name: /^Traces [0-9a-f-]{36}$/ }).click()
  await expect(page).toHaveURL(`${loom.url}/dashboard/keys?key=${id}`)
  await expect(page.getByRole('dialog').getByText(/^Traces [0-9a-f-]{36}$/).first()).toBeVisible()
})

test('while new calls cannot be loaded the list says so, and recovers by itself', async ({ page, loom, client }) => {
  const { id, ask } = await askWithOwnKey(loom, client, ['first'])
  await page.goto(`/dashboard/traces?apiKeyId=${id}`)
  await page.getByRole('switch', { name: 'Live' }).click()
  await page.route('**/api/traces?*', route => route.abort())
  await expect(page.getByText('New calls cannot be loaded right now')).toBeVisible()
  await expect(page.locator('[data-trace]')).toHaveCount(1)
  await ask('second')
  await page.unroute('**/api/traces?*')
  await expect(page.locator('[data-trace]')).toHaveCount(2)
  await expect(page.getByText('New calls cannot be loaded right now')).toBeHidden()
})

test('a filter is saved as a view, opened from elsewhere, and deleted, which can be undone', async ({ page, client, isMobile }) => {
  const name = `Slow and failed, ${isMobile ? 'phone' : 'desktop'}`
  await page.goto('/dashboard/traces?status=error&minLatencyMs=500')
  await page.getByRole('button', { name: 'Saved views' }).click()
  await page.getByRole('menuitem', { name: 'Save this filter…' }).click()
  await page.getByRole('dialog').getByLabel('Name').fill(name)
  await page.getByRole('dialog').getByRole('button', { name: 'Save' }).click()
  await expect(page.getByRole('dialog')).toBeHidden()
  await page.goto('/dashboard/traces')
  await page.getByRole('button', { name: 'Saved views' }).click()
  await page.getByRole('menuitem', { name }).first().click()
  await expect(page).toHaveURL(/status=error&minLatencyMs=500/)
  await page.getByRole('button', { name: 'Saved views' }).click()
  await page.getByRole('menuitem', { name: 'Delete' }).click()
  // To open it, and to delete it.
  await expect(page.getByRole('menuitem', { name })).toHaveCount(2)
  await page.getByRole('menuitem', { name }).last().click()
  const names = async () => SavedViews.parse(await client.get('/traces/views')).views.map(view => view.name)
  await expect.poll(names).not.toContain(name)
  await page.getByRole('button', { name: 'Undo' }).click()
  await expect.poll(names).toContain(name)
  await page.goto('/dashboard/traces')
  await page.getByRole('button', { name: 'Saved views' }).click()
  await page.getByRole('menuitem', { name }).first().click()
  await expect(page).toHaveURL(/status=error&minLatencyMs=500/)
})

test('text is found in bodies, and how far was looked is told', async ({ page, loom, client }) => {
  const { id } = await askWithOwnKey(loom, client, ['Where do bitterns boom?', 'And herons?'])
  await page.goto(`/dashboard/traces?apiKeyId=${id}`)
  await expect(page.locator('[data-trace]')).toHaveCount(2)
  await page.getByRole('textbox', { name: 'Text in bodies' }).fill('BITTERNS')
  await page.keyboard.press('Enter')
  await expect(page.locator('[data-trace]')).toHaveCount(1)
  await expect(page.getByText('2 traces looked through')).toBeVisible()
})

test('an export is the whole filter as a file', async ({ page, loom, client }) => {
  const { id } = await askWithOwnKey(loom, client, ['one', 'two', 'three'])
  await page.goto(`/dashboard/traces?apiKeyId=${id}`)
  await page.getByRole('button', { name: 'Export' }).click()
  const download = page.waitForEvent('download')
  await page.getByRole('menuitem', { name: 'Export as JSON lines' }).click()
  const file = await download
  expect(file.suggestedFilename()).toBe('traces.jsonl')
  const text = await (await file.createReadStream()).toArray()
  expect(Buffer.concat(text).toString('utf8').trim().split('\n').map(line => z.object({ apiKeyId: z.string() }).parse(JSON.parse(line)).apiKeyId)).toEqual([id, id, id])
})

test('a trace that the list does not hold has no next and no previous; one that it holds has', async ({ page, loom, client }) => {
  const Trace = z.object({ id: z.string() })
  const listed = await askWithOwnKey(loom, client, ['older', 'newer'])
  const elsewhere = await askWithOwnKey(loom, client, ['elsewhere'])
  const [{ id: newer }, { id: older }] = z.object({ items: z.tuple([Trace, Trace]) }).parse(await client.get(`/traces?apiKeyId=${listed.id}`)).items
  const [{ id: shared }] = z.object({ items: z.tuple([Trace]) }).parse(await client.get(`/traces?apiKeyId=${elsewhere.id}`)).items
  const next = page.getByRole('button', { name: 'Next trace' })
  const previous = page.getByRole('button', { name: 'Previous trace' })

  await page.goto(`/dashboard/traces?apiKeyId=${listed.id}&trace=${shared}`)
  await expect(page.getByRole('heading', { name: shared })).toBeVisible()
  await expect(next).toBeDisabled()
  await expect(previous).toBeDisabled()
  for (const key of ['j', 'k']) await page.keyboard.press(key)
  await page.evaluate(() => new Promise(resolve => requestAnimationFrame(resolve)))
  await expect(page.getByRole('heading', { name: shared })).toBeVisible()

  await page.goto(`/dashboard/traces?apiKeyId=${listed.id}&trace=${newer}`)
  await expect(page.getByRole('heading', { name: newer })).toBeVisible()
  await expect(previous).toBeDisabled()
  await page.keyboard.press('j')
  await expect(page.getByRole('heading', { name: older })).toBeVisible()
  await expect(next).toBeDisabled()
  await page.keyboard.press('k')
  await expect(page.getByRole('heading', { name: newer })).toBeVisible()
})

test('while text is searched for nothing is exported, and the reason is told', async ({ page, loom, client }) => {
  const { id } = await askWithOwnKey(loom, client, ['Where do bitterns boom?', 'And herons?'])
  await page.goto(`/dashboard/traces?apiKeyId=${id}&text=bitterns`)
  await expect(page.locator('[data-trace]')).toHaveCount(1)
  const exporting = page.getByRole('button', { name: 'Export' })
  await exporting.click()
  await expect(page.getByText('What a search for text finds cannot be exported')).toBeVisible()
  await expect(page.getByRole('menuitem')).toHaveCount(0)
  await expectAccessible(page)
  await page.keyboard.press('Escape')
  await page.getByRole('button', { name: 'Clear' }).click()
  await expect(page).not.toHaveURL(/text=/)
  await expect(page.locator('[data-trace]')).not.toHaveCount(1)
  await exporting.click()
  await expect(page.getByRole('menuitem', { name: 'Export as CSV' })).toBeVisible()
})

test('a call is opened as a conversation, and goes on', async ({ page, loom, client }) => {
  const { id } = await askWithOwnKey(loom, client, ['What is a heddle?'])
  const project = z.object({ id: z.string() }).parse(await client.post('/projects', { name: `Opened ${crypto.randomUUID()}` }))
  await page.goto(`/dashboard/traces?apiKeyId=${id}`)
  await page.locator('[data-trace]').first().click()
  await page.getByRole('button', { name: 'More actions' }).click()
  await page.getByRole('menuitem', { name: 'Open as a conversation…' }).click()
  await expect(page.getByRole('dialog').getByRole('button', { name: 'Open', exact: true })).toBeEnabled()
  await expectAccessible(page)
  await page.getByRole('dialog').getByRole('button', { name: 'Open', exact: true }).click()
  await expect(page).toHaveURL(/\/projects\/[\w-]+\/c\//)
  await expect(page.getByRole('log')).toContainText('What is a heddle?')
  expect(project.id).toBeTruthy()
})

test('columns name keys, and stay as they were chosen', async ({ page, loom, client, isMobile }) => {
  test.skip(isMobile, 'a phone shows the columns it has room for')
  const { id } = await askWithOwnKey(loom, client, ['named'])
  await page.goto(`/dashboard/traces?apiKeyId=${id}`)
  await page.getByRole('button', { name: 'Columns' }).click()
  await page.getByRole('menuitemcheckbox', { name: 'Key' }).click()
  await page.keyboard.press('Escape')
  await page.reload()
  await expect(page.getByRole('cell', { name: /^Traces / })).toBeVisible()
})
