import { expect, test } from './fixtures'

test('the theme is dark, light or the system’s, as is chosen, from the first paint on', async ({ page, isMobile }) => {
  const root = page.locator('html')
  async function choose(theme: string) {
    if (isMobile) await page.getByRole('button', { name: 'Open sidebar' }).click()
    await page.getByRole('button', { name: 'Account of Ada' }).click()
    await page.getByRole('menuitemcheckbox', { name: theme }).click()
    await expect(page.getByRole('menuitemcheckbox', { name: theme })).toBeChecked()
  }
  const canvas = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor)

  await page.emulateMedia({ colorScheme: 'light' })
  await page.goto('/projects')
  await expect(root, 'nobody has chosen').toHaveClass(/\bdark\b/)
  const dark = await canvas()
  await choose('Light')
  await expect(root).toHaveClass(/\blight\b/)
  await expect.poll(canvas).not.toBe(dark)
  // Set by the page itself, before any script of the app.
  await page.goto('/projects', { waitUntil: 'commit' })
  await expect(root).toHaveClass(/\blight\b/)

  await page.emulateMedia({ colorScheme: 'dark' })
  await choose('As the system')
  await expect(root).toHaveClass(/\bdark\b/)
  await page.emulateMedia({ colorScheme: 'light' })
  await expect(root).toHaveClass(/\blight\b/)
  await page.reload()
  await expect(root).toHaveClass(/\blight\b/)
  await choose('Dark')
  await expect(root).toHaveClass(/\bdark\b/)
})
