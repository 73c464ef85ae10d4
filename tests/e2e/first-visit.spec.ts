import { CreatedInvitation } from '../../shared/identity'
import { startLoomServer } from '../support/loom-server'
import { ChatPage } from './chat-page'
import { expect, test } from './fixtures'

test.use({ storageState: { cookies: [], origins: [] } })

test('the first visitor sets Loom up, makes a project, and chats', async ({ page, isMobile }) => {
  test.skip(isMobile, 'it starts a server of its own; the pages it walks are tried on a phone elsewhere')
  const loom = await startLoomServer()
  try {
    await page.goto(loom.url)
    await expect(page.getByText('Nobody has an account here yet.')).toBeVisible()

    await page.goto(`${loom.url}/setup?token=${loom.setupToken}`)
    await page.getByRole('textbox', { name: 'Name' }).fill('Ada')
    await page.getByRole('textbox', { name: 'Email' }).fill('ada@example.com')
    await page.getByRole('textbox', { name: 'Password' }).fill('correct horse battery')
    await page.getByRole('button', { name: 'Create administrator' }).click()
    await expect(page).toHaveURL(`${loom.url}/projects`)

    await page.getByRole('button', { name: 'New project' }).click()
    await page.getByRole('textbox', { name: 'Name' }).fill('Relaunch')
    await page.getByRole('button', { name: 'Create project' }).click()
    await expect(page.getByRole('heading', { level: 1, name: 'Relaunch' })).toBeVisible()

    const chat = new ChatPage(page)
    await chat.send('Hello there')
    await expect(await chat.settled()).toContainText('You said: Hello there')

    await page.getByRole('button', { name: 'Account of Ada' }).click()
    await page.getByRole('menuitem', { name: 'Log out' }).click()
    await expect(page).toHaveURL(`${loom.url}/login`)
    await page.goto(`${loom.url}/dashboard/keys`)
    await expect(page).toHaveURL(/\/login\?next=/)
    await page.getByRole('textbox', { name: 'Email' }).fill('ada@example.com')
    await page.getByRole('textbox', { name: 'Password' }).fill('wrong horse battery')
    await page.getByRole('button', { name: 'Log in' }).click()
    await expect(page.getByRole('alert')).toBeVisible()
    await page.getByRole('textbox', { name: 'Password' }).fill('correct horse battery')
    await page.getByRole('button', { name: 'Log in' }).click()
    await expect(page).toHaveURL(`${loom.url}/dashboard/keys`)
  } finally {
    await loom.remove()
  }
})

test('an invited person joins by their link', async ({ page, client }) => {
  const email = `guest-${crypto.randomUUID()}@example.com`
  const invitation = CreatedInvitation.parse(await client.post('/orgs/current/invitations', { email, role: 'member' }))
  await page.goto(new URL(invitation.url).pathname)
  await page.getByRole('textbox', { name: 'Name' }).fill('Grace')
  await page.getByRole('textbox', { name: 'Password' }).fill('another long secret')
  await page.getByRole('button', { name: 'Join' }).click()
  await expect(page).toHaveURL(/\/projects$/)
  await expect(page.getByRole('button', { name: 'New project' })).toBeVisible()
})
