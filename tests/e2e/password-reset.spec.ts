import { ResetLink } from '../../shared/identity'
import type { LoomServer } from '../support/loom-server'
import { startLoomServer } from '../support/loom-server'
import { admin, setUpLoom } from '../support/set-up-loom'
import type { SmtpReceiver } from '../support/smtp-receiver'
import { startSmtpReceiver } from '../support/smtp-receiver'
import { join, PASSWORD, signInAs } from '../support/visitor'
import { expectAccessible, expectNoSidewaysScroll } from './expect-accessible'
import { expect, test } from './fixtures'

const NEW_PASSWORD = 'a wholly different one'

test.describe('where mail is sent', () => {
  test.use({ storageState: { cookies: [], origins: [] } })
  let smtp: SmtpReceiver
  let loom: LoomServer
  test.beforeAll(async () => {
    smtp = await startSmtpReceiver()
    loom = await startLoomServer({ env: { SMTP_URL: smtp.url } })
    await setUpLoom(loom)
  })
  test.afterAll(async () => {
    await loom?.remove()
    await smtp?.stop()
  })

  test('whoever has forgotten their password sets a new one by the link that is mailed, whose token goes nowhere else', async ({ page }) => {
    await page.goto(`${loom.url}/login`)
    await page.getByRole('link', { name: 'Forgot your password?' }).click()
    await page.getByRole('textbox', { name: 'Email' }).fill(admin.email)
    await page.getByRole('button', { name: 'Mail me a link' }).click()
    await expect(page.getByRole('heading', { name: 'Look into your mail' })).toBeVisible()
    await expectAccessible(page)
    await expect.poll(() => smtp.received.length).toBe(1)
    const [link = '', token = ''] = /http\S+\/reset-password\?token=([\w-]+)/.exec((smtp.received[0]?.text ?? '').replaceAll('=\n', '').replaceAll('=3D', '=')) ?? []

    const asked: { url: string, referer: string | undefined }[] = []
    page.on('request', request => asked.push({ url: request.url(), referer: request.headers().referer }))
    await page.goto(link)
    await page.getByLabel('New password').fill('short')
    await page.getByRole('button', { name: 'Set password' }).click()
    await expect(page.getByLabel('New password')).toHaveAttribute('aria-invalid', 'true')
    await page.getByLabel('New password').fill(NEW_PASSWORD)
    await page.getByRole('button', { name: 'Set password' }).click()
    await expect(page.getByRole('heading', { name: 'Your password is set' })).toBeVisible()
    await page.getByRole('link', { name: 'Log in' }).click()
    expect(asked.length).toBeGreaterThan(3)
    expect(asked.filter(({ url, referer }) => url !== link && `${url} ${referer}`.includes(token))).toEqual([])

    await page.getByRole('textbox', { name: 'Email' }).fill(admin.email)
    await page.getByRole('textbox', { name: 'Password' }).fill(NEW_PASSWORD)
    await page.getByRole('button', { name: 'Log in' }).click()
    await expect(page).toHaveURL(`${loom.url}/projects`)

    await page.context().clearCookies()
    await page.goto(link)
    await page.getByLabel('New password').fill(NEW_PASSWORD)
    await page.getByRole('button', { name: 'Set password' }).click()
    await expect(page.getByRole('alert')).toHaveText('This link is not valid any more. Ask for a new one.')
  })

  for (const theme of ['dark', 'light']) {
    test(`its pages can be read and used by everyone, in ${theme}`, async ({ page }) => {
      await page.addInitScript(mode => localStorage.setItem('nuxt-color-mode', mode), theme)
      for (const path of ['/login', '/forgot-password', '/reset-password?token=some', '/reset-password']) {
        await page.goto(loom.url + path)
        await expect(page.locator('html')).toHaveClass(new RegExp(theme))
        await expectAccessible(page)
        await expectNoSidewaysScroll(page)
      }
    })
  }
})

test('without mail the login page offers no link', async ({ page }) => {
  await page.context().clearCookies()
  await page.goto('/forgot-password')
  await expect(page).toHaveURL(/\/login/)
  await expect(page.getByRole('button', { name: 'Log in' })).toBeVisible()
  await expect(page.getByRole('link', { name: 'Forgot your password?' })).toBeHidden()
})

test('a platform admin makes a link for who has forgotten their password, and sees it this once', async ({ page, loom, session, isMobile }) => {
  expect(session.cookie).toBeTruthy()
  const name = `locked-out-${isMobile ? 'phone' : 'desktop'}`
  await join(await signInAs(loom, admin.email), `${name}@example.com`, 'member')
  await page.goto(`/dashboard/platform/users?search=${name}`)
  await page.getByRole('button', { name: `Actions for ${name}` }).click()
  await page.getByRole('menuitem', { name: 'Make a reset link' }).click()
  const dialog = page.getByRole('dialog')
  await expect(dialog).toContainText(`A new password for ${name}`)
  await expectAccessible(page)
  const answered = page.waitForResponse('**/reset-link')
  await dialog.getByRole('button', { name: 'Make link' }).click()
  const { url } = ResetLink.parse(await (await answered).json())
  await expect(dialog.getByLabel('Reset link', { exact: true })).toHaveText(url)
  await expectAccessible(page)
  await dialog.getByRole('button', { name: 'I have copied it' }).click()
  await expect(dialog).toBeHidden()

  // In the browser of somebody who is signed in, too.
  await page.goto(new URL(url).pathname + new URL(url).search)
  await page.getByLabel('New password').fill(NEW_PASSWORD)
  await page.getByRole('button', { name: 'Set password' }).click()
  await expect(page.getByRole('heading', { name: 'Your password is set' })).toBeVisible()
  await signInAs(loom, `${name}@example.com`, NEW_PASSWORD)
  await expect(signInAs(loom, `${name}@example.com`, PASSWORD)).rejects.toThrow('401')
})
