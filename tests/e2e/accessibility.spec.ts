import { ChatPage } from './chat-page'
import { expectAccessible, expectNoSidewaysScroll } from './expect-accessible'
import { expect, mockModels, test } from './fixtures'

const pages = ['/projects', '/dashboard', '/dashboard/traces', '/dashboard/keys', '/dashboard/limits', '/dashboard/billing', '/dashboard/connections', '/dashboard/models', '/dashboard/alerts', '/dashboard/members', '/dashboard/audit', '/dashboard/settings', '/dashboard/settings/account', '/dashboard/platform', '/dashboard/platform/orgs', '/dashboard/platform/users', '/dashboard/platform/providers', '/dashboard/platform/access', '/reference']

for (const theme of ['dark', 'light']) {
  test.describe(`in ${theme}`, () => {
    test.beforeEach(async ({ page }) => {
      await page.addInitScript(mode => localStorage.setItem('nuxt-color-mode', mode), theme)
    })

    for (const path of pages) {
      test(`${path} can be read and used by everyone`, async ({ page }) => {
        await page.goto(path)
        await expect(page.locator('html')).toHaveClass(new RegExp(theme))
        await expect(page.locator('[aria-busy=true]')).toHaveCount(0)
        await expectAccessible(page)
        await expectNoSidewaysScroll(page)
      })
    }

    test('a conversation can be read and used by everyone', async ({ page }) => {
      const chat = new ChatPage(page)
      await chat.openNew()
      await expectAccessible(page)
      await chat.send('Code, a table and a list, please')
      const answer = await chat.settled()
      await expect(answer.locator('pre.shiki span[style]').first()).toBeVisible()
      await expectAccessible(page)
      await expectNoSidewaysScroll(page)
    })

    test('the key dialog can be read and used by everyone', async ({ page }) => {
      await page.goto('/dashboard/keys')
      await page.getByRole('button', { name: 'New key' }).click()
      await expect(page.getByRole('textbox', { name: 'Name' })).toBeFocused()
      await expectAccessible(page)
    })
  })
}

test('a screen reader hears every sentence of an answer once, drawn or not', async ({ page, mock }) => {
  expect(mock.url).toBeTruthy()
  const chat = new ChatPage(page)
  await chat.openNew('brief')
  await chat.send('Before anybody listens')
  await chat.settled()
  await page.locator('main p[aria-live=polite]').evaluate((region) => {
    const heard: string[] = []
    Reflect.set(window, 'heard', heard)
    new MutationObserver(() => heard.push(region.textContent)).observe(region, { childList: true, characterData: true, subtree: true })
  })
  const heard = () => page.evaluate(() => [Reflect.get(window, 'heard')].flat().filter(Boolean).join(' '))
  const brief = mockModels.brief.text.trim()
  const long = mockModels.long.text.replace(/\s+/g, ' ').trim()

  await chat.send('The same words again')
  await expect(chat.answers()).toHaveCount(2)
  await chat.settled()
  await expect.poll(heard).toBe(brief)
  await chat.chooseModel('long')
  await chat.send('Word by word')
  await expect(chat.answers().last()).toContainText('Line 60:')
  await chat.settled()
  await expect.poll(heard).toBe(`${brief} ${long}`)

  // As in a tab behind others: what is written meanwhile is never drawn.
  await page.evaluate(() => {
    window.requestAnimationFrame = () => 0
  })
  await chat.send('Behind my back')
  await expect.poll(heard).toBe(`${brief} ${long} ${long}`)
})

test.describe('a visitor', () => {
  test.use({ storageState: { cookies: [], origins: [] } })
  for (const theme of ['dark', 'light']) {
    test(`the login page in ${theme} can be read and used by everyone`, async ({ page }) => {
      await page.addInitScript(mode => localStorage.setItem('nuxt-color-mode', mode), theme)
      await page.goto('/login')
      await expectAccessible(page)
      await expectNoSidewaysScroll(page)
    })
  }
})
