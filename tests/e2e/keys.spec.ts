import OpenAI from 'openai'
import { expect, test } from './fixtures'

test('a key is shown once, lets the OpenAI SDK in, and its call appears as a trace', async ({ page, loom, isMobile }) => {
  const name = `CI ${isMobile ? 'phone' : 'desktop'}`
  await page.goto('/dashboard/keys')
  await page.getByRole('button', { name: 'New key' }).click()
  await page.getByRole('textbox', { name: 'Name' }).fill(name)
  await page.getByRole('button', { name: 'Create key' }).click()
  const key = await page.getByRole('status', { name: 'API key' }).innerText()
  expect(key).toMatch(/^loom_sk_/)
  await page.getByRole('button', { name: 'I have copied it' }).click()
  const row = page.getByRole('row', { name })
  await expect(row).toBeVisible()
  await page.reload()
  expect(await page.content()).not.toContain(key)

  const openai = new OpenAI({ apiKey: key, baseURL: `${loom.url}/v1` })
  const { data, response } = await openai.chat.completions.create({ model: 'demo', messages: [{ role: 'user', content: 'Hello from the SDK' }] }).withResponse()
  expect(data.choices[0]?.message.content).toContain('Hello from the SDK')

  const traceId = response.headers.get('x-request-id')
  await page.goto('/dashboard/traces')
  await page.locator(`[data-trace="${traceId}"]`).click()
  const trace = page.getByRole('complementary', { name: 'Trace' })
  await expect(trace).toContainText('chat.completions')
  await expect(trace).toContainText('Hello from the SDK')
  await page.keyboard.press('Escape')
  await expect(trace).toBeHidden()
  await expect(page.locator(`[data-trace="${traceId}"]`)).toBeFocused()

  await page.goto('/dashboard/keys')
  await row.getByRole('button', { name: `Actions for ${name}` }).click()
  await page.getByRole('menuitem', { name: 'Rotate' }).click()
  await page.getByRole('button', { name: 'Rotate key' }).click()
  const rotated = await page.getByRole('status', { name: 'API key' }).innerText()
  expect(rotated).not.toBe(key)
  await page.getByRole('button', { name: 'I have copied it' }).click()
  await expect(row).toContainText('old secret ends')
  for (const secret of [key, rotated]) await new OpenAI({ apiKey: secret, baseURL: `${loom.url}/v1` }).models.list()

  await row.getByRole('button', { name: `Actions for ${name}` }).click()
  await page.getByRole('menuitem', { name: 'Revoke' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Revoke key' }).click()
  await expect(row).toContainText(/revoked/i)
  await expect(openai.models.list()).rejects.toThrow(OpenAI.AuthenticationError)
})
