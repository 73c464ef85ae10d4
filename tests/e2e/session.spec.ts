import type { Page } from '@playwright/test'
import { admin } from '../support/set-up-loom'
import { ChatPage } from './chat-page'
import { expect, test } from './fixtures'

async function logIn(page: Page) {
  await expect(page).toHaveURL(/\/login\?next=/)
  await page.getByRole('textbox', { name: 'Email' }).fill(admin.email)
  await page.getByRole('textbox', { name: 'Password' }).fill(admin.password)
  await page.getByRole('button', { name: 'Log in' }).click()
}

test('when a session ends, what was typed waits behind the login', async ({ page }) => {
  const chat = new ChatPage(page)
  await chat.openNew()
  await chat.send('First')
  await chat.settled()
  const address = page.url()

  await page.context().clearCookies()
  await chat.send('Not to be lost')
  await logIn(page)
  await expect(page).toHaveURL(address)
  await expect(chat.message()).toHaveValue('Not to be lost')
})

test('what was being written in place of a message outlives a reload and a session', async ({ page }) => {
  const chat = new ChatPage(page)
  await chat.openNew()
  await chat.send('What is a warp?')
  await chat.settled()
  await chat.log().getByText('What is a warp?', { exact: true }).first().hover()
  await page.getByRole('button', { name: 'Edit message' }).click()
  const editor = page.getByRole('textbox', { name: 'Your message' })
  await editor.fill('What is a weft?')
  await page.reload()
  await expect(editor).toHaveValue('What is a weft?')

  await page.context().clearCookies()
  const send = page.getByRole('form', { name: 'Edit your message' }).getByRole('button', { name: 'Send' })
  await send.click()
  await logIn(page)
  await expect(editor).toHaveValue('What is a weft?')
  await expect(chat.message()).toHaveValue('')
  await send.click()
  await expect(await chat.settled()).toContainText('You said: What is a weft?')
  await expect(page.getByRole('group', { name: 'Versions' })).toHaveText('2/2')
  await page.reload()
  await chat.settled()
  await expect(editor).toHaveCount(0)
})
