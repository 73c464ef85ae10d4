import { expect, test } from './fixtures'

test('a platform admin connects a provider for every organisation, and sets a price for all', async ({ page, isMobile }) => {
  const name = `shared-${isMobile ? 'phone' : 'desktop'}`
  await page.goto('/dashboard/platform')
  await page.getByRole('navigation', { name: 'Platform' }).getByRole('link', { name: 'Providers' }).click()
  await page.getByRole('button', { name: 'New connection' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByRole('textbox', { name: 'Name' }).fill(name)
  await dialog.getByLabel('Secret').fill('sk-shared')
  await dialog.getByRole('button', { name: 'Add connection' }).click()
  await expect(page.getByRole('region', { name: 'Connections for everyone', exact: true }).getByRole('cell', { name, exact: true })).toBeVisible()
  await page.getByRole('button', { name: 'New price' }).click()
  await dialog.getByRole('textbox', { name: 'Model' }).fill(`model-of-${name}`)
  await dialog.getByRole('textbox', { name: 'Input', exact: true }).fill('0.15')
  await dialog.getByRole('textbox', { name: 'Output', exact: true }).fill('0.60')
  await dialog.getByRole('button', { name: 'Set price' }).click()
  await expect(page.getByRole('region', { name: 'Prices for everyone', exact: true }).getByRole('cell', { name: `model-of-${name}`, exact: true })).toBeVisible()
  await expect(page.getByRole('region', { name: 'Limits of the installation' })).toBeVisible()
})
