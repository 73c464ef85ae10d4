import { ModelPriceList } from '../../shared/model-routes'
import { CreatedOrg, PlatformOrgPage } from '../../shared/platform'
import { startIdentityProvider } from '../support/identity-provider'
import { expect, test } from './fixtures'

test('a platform admin connects a provider for every organisation, and sets a price for all', async ({ page, client, isMobile }) => {
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
  await dialog.getByRole('combobox', { name: 'Connection' }).click()
  await page.getByRole('option', { name, exact: true }).click()
  await dialog.getByRole('textbox', { name: 'Model' }).fill(`model-of-${name}`)
  await dialog.getByRole('textbox', { name: 'Input', exact: true }).fill('0.15')
  await dialog.getByRole('textbox', { name: 'Output', exact: true }).fill('0.60')
  const cachedSound = dialog.getByRole('textbox', { name: 'Cached sound' })
  await expect(cachedSound).toHaveAttribute('placeholder', 'As listed')
  await dialog.getByRole('textbox', { name: 'Sound in' }).fill('10')
  await expect(cachedSound).toHaveAttribute('placeholder', 'As sound in')
  await dialog.getByRole('textbox', { name: 'Sound out' }).fill('20')
  await dialog.getByRole('button', { name: 'Set price' }).click()
  await expect(page.getByRole('region', { name: 'Prices for everyone', exact: true }).getByRole('cell', { name: `model-of-${name} over ${name} Sound: $10.00 in, $20.00 out, cached as in`, exact: true })).toBeVisible()
  expect(ModelPriceList.parse(await client.get('/models/prices')).prices).toContainEqual(expect.objectContaining({
    model: `model-of-${name}`, connection: expect.objectContaining({ name }), inputNanoUsd: '150000000', audioInputNanoUsd: '10000000000', audioOutputNanoUsd: '20000000000', cachedAudioInputNanoUsd: null
  }))
  await expect(page.getByRole('region', { name: 'Limits of the installation' })).toBeVisible()
})

test('of two who set single sign-on up, the later is told what the other has set, and decides', async ({ page, client, loom }) => {
  const { issuer, clientId, clientSecret, stop } = await startIdentityProvider(loom.url)
  const settings = { name: 'Example Login', issuer, clientId, clientSecret }
  try {
    await client.call('PUT', '/platform/sso', settings)
    await page.goto('/dashboard/platform/access')
    const section = page.getByRole('region', { name: 'Single sign-on' })
    const name = section.getByRole('textbox', { name: 'Name on the button' })
    await expect(name).toHaveValue('Example Login')
    await client.call('PUT', '/platform/sso', { ...settings, allowedDomains: ['example.com'] })
    await name.fill('Mine')
    await section.getByRole('button', { name: 'Save' }).click()
    await expect(section.getByRole('alert')).toContainText(/Allowed domains is now:\s*example\.com/)
    await section.getByRole('button', { name: 'Save mine over it' }).click()
    await expect(section.getByRole('alert')).toHaveCount(0)
    expect(await client.get('/platform/sso')).toMatchObject({ sso: { name: 'Mine', allowedDomains: [] } })
  } finally {
    await client.call('DELETE', '/platform/sso')
    await stop()
  }
})

test('a switch that is being saved cannot be turned again meanwhile, and keeps the focus', async ({ page, client }) => {
  const held = Promise.withResolvers<undefined>()
  let saves = 0
  await page.route('**/api/platform/settings', async (route) => {
    if (route.request().method() === 'PATCH') {
      saves += 1
      await held.promise
    }
    await route.continue()
  })
  await page.goto('/dashboard/platform/access')
  const signUp = page.getByRole('switch', { name: 'Anybody may sign up' })
  try {
    await signUp.click()
    await expect.poll(() => saves).toBe(1)
    await signUp.click()
    await expect(signUp).toBeFocused()
    held.resolve(undefined)
    await expect(signUp).toBeChecked()
    expect(saves).toBe(1)
  } finally {
    held.resolve(undefined)
    await client.call('PATCH', '/platform/settings', { signUpOpen: false })
  }
})

test('what is taken of somebody else is as they have saved it, while the list is still being read', async ({ page, client, isMobile }) => {
  const name = `Overtaken ${isMobile ? 'phone' : 'desktop'}`
  const { id } = CreatedOrg.parse(await client.post('/platform/orgs', { name }))
  await page.goto(`/dashboard/platform/orgs?search=${encodeURIComponent(name)}`)
  const dialog = page.getByRole('dialog')
  await page.getByRole('button', { name: `Actions for ${name}` }).click()
  await page.getByRole('menuitem', { name: 'Wallet' }).click()
  await expect(dialog.getByRole('combobox', { name: 'Wallet' })).toHaveText('prepaid')
  await client.call('PATCH', `/platform/orgs/${id}/wallet`, { markupBasisPoints: -500, mode: 'unlimited' })
  const held = Promise.withResolvers<undefined>()
  await page.route('**/api/platform/orgs?*', async (route) => {
    await held.promise
    await route.continue()
  })
  await dialog.getByRole('spinbutton', { name: 'Markup' }).fill('2.5')
  await dialog.getByRole('button', { name: 'Save' }).click()
  await dialog.getByRole('button', { name: 'Take theirs' }).click()
  await expect(dialog.getByRole('spinbutton', { name: 'Markup' })).toHaveValue('-5')
  await expect(dialog.getByRole('combobox', { name: 'Wallet' })).toHaveText('unlimited')
  await dialog.getByRole('spinbutton', { name: 'Cached answers' }).fill('10')
  await dialog.getByRole('button', { name: 'Save' }).click()
  await expect(dialog).toBeHidden()
  held.resolve(undefined)
  const { items } = PlatformOrgPage.parse(await client.get('/platform/orgs'))
  expect(items.find(org => org.id === id)).toMatchObject({ wallet: 'unlimited', markupBasisPoints: -500, cacheHitBasisPoints: 1_000 })
})

test('a platform admin says how an organisation pays, and tops it up, without being in it; of two the later is told', async ({ page, client, isMobile }) => {
  const name = `Paying ${isMobile ? 'phone' : 'desktop'}`
  const { id } = CreatedOrg.parse(await client.post('/platform/orgs', { name }))
  const pays = async () => PlatformOrgPage.parse(await client.get('/platform/orgs')).items.find(org => org.id === id)
  await page.goto(`/dashboard/platform/orgs?search=${encodeURIComponent(name)}`)
  const choose = async (item: string) => {
    await page.getByRole('button', { name: `Actions for ${name}` }).click()
    await page.getByRole('menuitem', { name: item }).click()
  }
  const dialog = page.getByRole('dialog')
  await choose('Wallet')
  await expect(dialog).toContainText(`Wallet of ${name}`)
  await dialog.getByRole('spinbutton', { name: 'Markup' }).fill('')
  await dialog.getByRole('button', { name: 'Save' }).click()
  await expect(dialog).toContainText('must be a number')
  await dialog.getByRole('spinbutton', { name: 'Markup' }).fill('2.5')
  await dialog.getByRole('spinbutton', { name: 'Cached answers' }).fill('10')
  await client.call('PATCH', `/platform/orgs/${id}/wallet`, { markupBasisPoints: -500, mode: 'unlimited' })
  await dialog.getByRole('button', { name: 'Save' }).click()
  await expect(dialog.getByRole('alert')).toContainText(/Markup is now:\s*-5 %/)
  await dialog.getByRole('button', { name: 'Save mine over it' }).click()
  await expect(dialog).toBeHidden()
  expect(await pays()).toMatchObject({ wallet: 'unlimited', markupBasisPoints: 250, cacheHitBasisPoints: 1_000 })
  const row = page.getByRole('row', { name })
  await row.evaluate(element => element.setAttribute('data-kept', ''))
  await choose('Top up')
  await dialog.getByRole('textbox', { name: 'Amount' }).fill('12.5')
  // It arrives; its answer is lost.
  await page.route('**/funds', async (route) => {
    await route.fetch()
    await route.abort()
  }, { times: 1 })
  await dialog.getByRole('button', { name: 'Top up' }).click()
  await expect(page.getByText('It may have been posted.').first()).toBeVisible()
  await dialog.getByRole('button', { name: 'Cancel' }).click()
  await expect(dialog).toBeHidden()
  await choose('Top up')
  await expect(dialog.getByRole('textbox', { name: 'Amount' })).toHaveValue('12.5')
  // Another amount under the same reference would be refused, and under another it would be posted beside the first.
  await expect(dialog.getByRole('textbox', { name: 'Amount' })).toHaveAttribute('readonly')
  await dialog.getByRole('button', { name: 'Top up' }).click()
  await expect(dialog).toBeHidden()
  await expect(row).toContainText('$12.50')
  // The list was read anew in its place.
  await expect(row).toHaveAttribute('data-kept')
  expect(await pays()).toMatchObject({ balanceNanoUsd: '12500000000' })
})
