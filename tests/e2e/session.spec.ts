import { admin } from '../support/set-up-loom'
import { ChatPage } from './chat-page'
import { expect, test } from './fixtures'

test('when a session ends, what was typed waits behind the login', async ({ page }) => {
  const chat = new ChatPage(page)
  await chat.openNew()
  await chat.send('First')
  await chat.settled()
  const address = page.url()

  await page.context().clearCookies()
  await chat.send('Not to be lost')
  await expect(page).toHaveURL(/\/login\?next=/)
  await page.getByRole('textbox', { name: 'Email' }).fill(admin.email)
  await page.getByRole('textbox', { name: 'Password' }).fill(admin.password)
  await page.getByRole('button', { name: 'Log in' }).click()
  await expect(page).toHaveURL(address)
  await expect(chat.message()).toHaveValue('Not to be lost')
})
