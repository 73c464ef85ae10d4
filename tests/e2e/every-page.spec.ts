import { expect, test } from './fixtures'

for (const path of ['/', '/projects', '/dashboard', '/reference']) {
  test(`${path} opens for who is signed in, without an error in the browser's console`, async ({ page }) => {
    const errors: string[] = []
    page.on('pageerror', error => errors.push(error.message))
    page.on('console', message => message.type() === 'error' && errors.push(message.text()))
    // The network of a page that follows what changes never rests.
    await page.route('**/changes*', route => route.fulfill({ status: 204 }))
    const response = await page.goto(path)
    expect(response?.status()).toBe(200)
    await page.waitForLoadState('networkidle')
    expect(errors).toEqual([])
  })
}
