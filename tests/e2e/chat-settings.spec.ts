import type { BrowserContext, Page } from '@playwright/test'
import { Project } from '../../shared/projects'
import { ChatPage } from './chat-page'
import { expectAccessible } from './expect-accessible'
import { expect, test, waitUntilAlive } from './fixtures'

async function setUp(page: Page) {
  await page.getByRole('button', { name: 'Chat settings' }).click()
  await page.getByLabel('System prompt').fill('Answer in verse.')
  await page.getByLabel('Temperature').fill('0.3')
  await expectAccessible(page)
  await page.getByRole('button', { name: 'Save' }).click()
  await expect(page.getByRole('dialog')).toHaveCount(0)
}

/** Begins a chat in `page`, and opens it in another page, too; in both its settings are open, and nothing is set. */
async function openBeside(page: Page, context: BrowserContext): Promise<Page> {
  const chat = new ChatPage(page)
  await chat.openNew()
  await chat.send('Hello')
  await chat.settled()
  const other = await context.newPage()
  waitUntilAlive(other)
  await other.goto(page.url())
  for (const one of [page, other]) {
    await one.getByRole('button', { name: 'Chat settings' }).click()
    await expect(one.getByLabel('System prompt')).toHaveValue('')
  }
  return other
}

test('a new chat takes its prompt and parameters before its first message, and keeps them over a reload', async ({ page, mock }) => {
  const chat = new ChatPage(page)
  await chat.openNew('brief')
  await setUp(page)
  await page.reload()
  await chat.ready()
  await page.getByRole('button', { name: 'Chat settings' }).click()
  await expect(page.getByLabel('System prompt')).toHaveValue('Answer in verse.')
  await page.getByRole('button', { name: 'Cancel' }).click()
  await chat.chooseModel('brief')
  await chat.send('Hello')
  await chat.settled()
  expect(mock.requests.at(-1)?.json).toMatchObject({ temperature: 0.3, messages: [{ role: 'system', content: 'Answer in verse.' }, { content: 'Hello' }] })

  await chat.openNew('brief')
  await page.getByRole('button', { name: 'Chat settings' }).click()
  await expect(page.getByLabel('System prompt')).toHaveValue('')
})

test('a temporary chat takes a prompt and parameters, and keeps them nowhere', async ({ page, mock }) => {
  const chat = new ChatPage(page)
  await chat.openTemporary('brief')
  await page.getByRole('button', { name: 'Chat settings' }).click()
  await page.getByLabel('System prompt').fill('Answer in prose.')
  await page.keyboard.press('Escape')
  await expect(page.getByLabel('System prompt')).toHaveValue('Answer in prose.')
  await page.getByRole('button', { name: 'Cancel' }).click()
  await setUp(page)
  await chat.send('Between us')
  await chat.settled()
  expect(mock.requests.at(-1)?.json).toMatchObject({ temperature: 0.3, messages: [{ role: 'system', content: 'Answer in verse.' }, { content: 'Between us' }] })
  expect(await page.evaluate(() => JSON.stringify({ ...localStorage, ...sessionStorage }))).not.toContain('in verse')
})

test('of two pages that change the settings of one chat, the later is told what the other has saved, and loses nothing of its own', async ({ page, context }) => {
  const other = await openBeside(page, context)
  const save = (one: Page) => one.getByRole('button', { name: 'Save', exact: true }).click()
  const dialog = page.getByRole('dialog')

  await other.getByLabel('System prompt').fill('Answer in verse.')
  await save(other)
  await expect(other.getByRole('dialog')).toHaveCount(0)
  await page.getByLabel('System prompt').fill('Answer in prose.')
  await save(page)
  await expect(dialog.getByRole('alert')).toContainText('Somebody changed this while you had it open.')
  await expect(dialog.getByRole('alert')).toContainText('System prompt is now:Answer in verse.')
  await expect(page.getByLabel('System prompt')).toHaveValue('Answer in prose.')
  await expectAccessible(page)
  await page.screenshot({ path: `.cache/test/shots/settings-conflict-${page.viewportSize()?.width}.png` })
  const held = Promise.withResolvers<undefined>()
  await page.route(/\/api\/conversations\/[^/]+$/, async (route) => {
    await held.promise
    await route.continue()
  }, { times: 1 })
  await dialog.getByRole('button', { name: 'Save mine over it' }).click()
  await expect(dialog.getByRole('button', { name: 'Save mine over it' }), 'while it is on its way').toBeDisabled()
  held.resolve(undefined)
  await expect(dialog).toHaveCount(0)

  await other.reload()
  await other.getByRole('button', { name: 'Chat settings' }).click()
  await expect(other.getByLabel('System prompt')).toHaveValue('Answer in prose.')
  await page.getByRole('button', { name: 'Chat settings' }).click()
  await page.getByLabel('Temperature').fill('0.3')
  await save(page)
  await expect(dialog).toHaveCount(0)
  await other.getByLabel('System prompt').fill('Answer in rhyme.')
  await save(other)
  await other.getByRole('dialog').getByRole('button', { name: 'Take theirs' }).click()
  await expect(other.getByLabel('System prompt')).toHaveValue('Answer in prose.')
  await expect(other.getByLabel('Temperature')).toHaveValue('0.3')
  await save(other)
  await expect(other.getByRole('dialog')).toHaveCount(0)
  await other.close()
})

test('of two pages that change different settings of one chat, the later takes nothing of the other back', async ({ page, context }) => {
  const other = await openBeside(page, context)
  await other.getByLabel('Temperature').fill('0.3')
  await other.getByRole('button', { name: 'Save', exact: true }).click()
  await expect(other.getByRole('dialog')).toHaveCount(0)
  await page.getByLabel('System prompt').fill('Answer in prose.')
  await page.getByRole('button', { name: 'Save', exact: true }).click()
  await page.getByRole('button', { name: 'Save mine over it' }).click()
  await expect(page.getByRole('dialog')).toHaveCount(0)

  await other.reload()
  await other.getByRole('button', { name: 'Chat settings' }).click()
  await expect(other.getByLabel('System prompt')).toHaveValue('Answer in prose.')
  await expect(other.getByLabel('Temperature')).toHaveValue('0.3')
  await other.close()
})

test('of two pages that leave settings of one chat unsaved, each leaves its own, whatever the other does with theirs', async ({ page, context }) => {
  const other = await openBeside(page, context)
  const open = (one: Page) => one.getByRole('button', { name: 'Chat settings' }).click()
  const prompt = (one: Page) => one.getByLabel('System prompt')

  // What the other has written since stays when one gives up its own.
  await prompt(page).fill('Answer in prose.')
  await prompt(other).fill('Answer in verse.')
  await page.getByRole('button', { name: 'Cancel' }).click()
  await expect(page.getByRole('dialog')).toHaveCount(0)
  await other.reload()
  await open(other)
  await expect(prompt(other)).toHaveValue('Answer in verse.')
  await expect(other.getByRole('dialog')).toContainText('Not saved yet')

  // And one's own stays, though the other wrote last and saved it.
  await open(page)
  await prompt(page).fill('Answer in rhyme.')
  await prompt(other).fill('Answer in short.')
  await other.getByRole('button', { name: 'Save', exact: true }).click()
  await expect(other.getByRole('dialog')).toHaveCount(0)
  await page.reload()
  await open(page)
  await expect(prompt(page)).toHaveValue('Answer in rhyme.')

  await page.getByRole('button', { name: 'Cancel' }).click()
  await page.reload()
  await open(page)
  await expect(prompt(page)).toHaveValue('Answer in short.')
  await expect(page.getByRole('dialog')).not.toContainText('Not saved yet')
  await other.close()
})

test('text past what a field holds stands, is counted, and is saved only once it fits', async ({ page, client }) => {
  const project = Project.parse(await client.post('/projects', { name: 'Wordy' }))
  await page.goto(`/projects/${project.id}/c/new`)
  await page.getByRole('button', { name: 'Chat settings' }).click()
  const dialog = page.getByRole('dialog')
  const prompt = page.getByLabel('System prompt')
  await prompt.fill('x'.repeat(19_999))
  await expect(dialog.getByText('1 character left').first()).toBeVisible()
  await prompt.fill('x'.repeat(20_500))
  await expect(dialog.getByText('500 characters too many: at most 20,000 fit').first()).toBeVisible()
  await page.getByRole('button', { name: 'Save' }).click()
  await expect(dialog.getByText('must have at most 20,000 characters')).toBeVisible()
  await expect(prompt).toHaveValue('x'.repeat(20_500))
  await expectAccessible(page)
  await page.screenshot({ path: `.cache/test/shots/too-long-settings-${page.viewportSize()?.width}.png` })
  await prompt.fill('Be brief.')
  await expect(dialog.getByText('too many')).toHaveCount(0)
  await page.getByRole('button', { name: 'Save' }).click()
  await expect(dialog).toHaveCount(0)

  await page.goto(`/projects/${project.id}`)
  await page.getByRole('main').getByRole('button', { name: 'Settings' }).click()
  for (const [label, max] of [['Description', 2_000], ['Instructions', 20_000]] as const) {
    await page.getByLabel(label).fill('x'.repeat(max + 1))
    await expect(dialog.getByText(`1 character too many: at most ${max.toLocaleString('en-US')} fit`).first()).toBeVisible()
  }
  await page.getByRole('button', { name: 'Save' }).click()
  await expect(dialog.getByText('must have at most 2,000 characters')).toBeVisible()
  await expect(page.getByLabel('Instructions')).toHaveValue('x'.repeat(20_001))
  await client.call('DELETE', `/projects/${project.id}`)
})
