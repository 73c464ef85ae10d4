import type { Page } from '@playwright/test'
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
  await setUp(page)
  await chat.send('Between us')
  await chat.settled()
  expect(mock.requests.at(-1)?.json).toMatchObject({ temperature: 0.3, messages: [{ role: 'system', content: 'Answer in verse.' }, { content: 'Between us' }] })
  expect(await page.evaluate(() => JSON.stringify({ ...localStorage, ...sessionStorage }))).not.toContain('in verse')
})

test('of two pages that change the settings of one chat, the later is told what the other has saved, and loses nothing of its own', async ({ page, context }) => {
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
  await dialog.getByRole('button', { name: 'Save mine over it' }).click()
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
