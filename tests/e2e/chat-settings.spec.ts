import type { Page } from '@playwright/test'
import { ChatPage } from './chat-page'
import { expectAccessible } from './expect-accessible'
import { expect, test } from './fixtures'

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
  await chat.openNew()
  await page.getByRole('link', { name: 'Temporary' }).click()
  await expect(page.getByText('This chat is kept nowhere')).toBeVisible()
  await chat.ready()
  await chat.chooseModel('brief')
  await setUp(page)
  await chat.send('Between us')
  await chat.settled()
  expect(mock.requests.at(-1)?.json).toMatchObject({ temperature: 0.3, messages: [{ role: 'system', content: 'Answer in verse.' }, { content: 'Between us' }] })
  expect(await page.evaluate(() => JSON.stringify({ ...localStorage, ...sessionStorage }))).not.toContain('in verse')
})
