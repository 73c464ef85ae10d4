import type { Locator, Page, Route } from '@playwright/test'
import { z } from 'zod'
import { AlertRule } from '../../shared/alerts'
import { TransactionPage } from '../../shared/billing'
import { Connection } from '../../shared/connections'
import { CreatedApiKey } from '../../shared/keys'
import { VersionedPolicy } from '../../shared/policy'
import { CreatedOrg } from '../../shared/platform'
import { ProjectPage } from '../../shared/projects'
import type { ChatClient } from '../support/chat-client'
import { expect, test } from './fixtures'

const ownOrg = async (client: ChatClient) => z.object({ org: z.object({ id: z.string() }) }).parse(await client.get('/session')).org.id

/** What people may call a thing: markup, a formula, right to left, and long. */
const hostile = '<script>alert(1)</script> =HYPERLINK("x") \u05D0\u05D1\u05D2 \u{1F600}'

test('of two who edit a key the later sees what changed, and decides', async ({ page, client, isMobile }) => {
  const name = `Edited ${isMobile ? 'phone' : 'desktop'} ${hostile}`.slice(0, 80)
  const { id } = z.object({ id: z.string() }).parse(await client.post('/keys', { name, limits: { budgets: { month: '10' } } }))
  await page.goto('/dashboard/keys')
  await page.getByRole('link', { name }).click()
  const panel = page.getByRole('dialog')
  await expect(panel.getByRole('meter', { name: 'Budget this month' })).toBeVisible()
  await client.call('PATCH', `/keys/${id}`, { cacheTtlSeconds: 60 })
  await panel.getByRole('spinbutton', { name: 'Requests' }).fill('7')
  await panel.getByRole('button', { name: 'Save', exact: true }).click()
  await expect(panel.getByRole('alert')).toContainText('Ada changed this')
  await expect(panel.getByRole('alert')).toContainText(/Cache is now:\s*60/)
  await panel.getByRole('button', { name: 'Save mine over it' }).click()
  await expect(panel).toBeHidden()
  const { keys } = z.object({ keys: z.array(z.looseObject({ id: z.string() })) }).parse(await client.get('/keys'))
  expect(keys.find(key => key.id === id)).toMatchObject({ cacheTtlSeconds: 60, limits: { requestsPerMinute: 7, budgets: { month: '10' } } })
})

test('who switches what somebody else has changed meanwhile is told, sees it as it is, and switches that', async ({ page, client, isMobile }) => {
  const name = `switched-${isMobile ? 'phone' : 'desktop'}`
  const told = page.getByText('Ada changed this since you opened it.')
  const connection = Connection.parse(await client.post('/connections', { kind: 'openai-compatible', name, baseUrl: 'http://127.0.0.1:9/v1', secret: 'sk-switched', config: { models: ['none'] } }))
  await page.goto('/dashboard/connections')
  const row = page.getByRole('row').filter({ hasText: name })
  const choose = async (of: string, item: string) => {
    await page.getByRole('button', { name: `Actions for ${of}`, exact: true }).click()
    await page.getByRole('menuitem', { name: item }).click()
  }
  await client.call('PATCH', `/connections/${connection.id}`, { name: `${name}-anew` })
  await choose(name, 'Disable')
  await expect(told.first()).toBeVisible()
  await expect(row).toContainText(`${name}-anew`)
  await expect(row).toContainText('active')
  await choose(`${name}-anew`, 'Disable')
  await choose(`${name}-anew`, 'Enable')
  await choose(`${name}-anew`, 'Disable')
  await expect(row).toContainText('disabled')
  await client.call('DELETE', `/connections/${connection.id}`)

  const rule = AlertRule.parse(await client.post('/alerts/rules', { name, condition: { kind: 'wallet', belowUsd: '5' } }))
  await page.goto('/dashboard/alerts')
  await client.call('PATCH', `/alerts/rules/${rule.id}`, { condition: { kind: 'wallet', belowUsd: '7' } })
  const on = page.getByRole('switch', { name: `${name}, on` })
  await on.click()
  await expect(told.first()).toBeVisible()
  await expect(row).toContainText('$7')
  await expect(on).toBeChecked()
  await on.click()
  await expect(on).not.toBeChecked()
  await client.call('DELETE', `/alerts/rules/${rule.id}`)
})

/** What people edit and others may have changed meanwhile: how that is opened and begun, and where its list is read. */
const edited: Record<string, { list: string, make: (client: ChatClient, name: string) => Promise<{ path: string, theirs: object }>, edit: (page: Page, name: string) => Promise<Locator> }> = {
  'a key': {
    list: '/api/keys',
    make: async (client, name) => ({ path: `/keys/${CreatedApiKey.parse(await client.post('/keys', { name })).id}`, theirs: { cacheTtlSeconds: 60 } }),
    edit: async (page, name) => {
      await page.goto('/dashboard/keys')
      await page.getByRole('link', { name }).click()
      return page.getByRole('dialog').getByRole('spinbutton', { name: 'Requests' })
    }
  },
  'a connection': {
    list: '/api/connections',
    make: async (client, name) => ({ path: `/connections/${Connection.parse(await client.post('/connections', { kind: 'openai-compatible', name, baseUrl: 'http://127.0.0.1:9/v1', config: { models: ['none'] } })).id}`, theirs: { status: 'disabled' } }),
    edit: async (page, name) => {
      await page.goto('/dashboard/connections')
      await page.getByRole('button', { name: `Actions for ${name}` }).click()
      await page.getByRole('menuitem', { name: 'Edit' }).click()
      return page.getByRole('dialog').getByRole('textbox', { name: 'Models' })
    }
  },
  'a rule': {
    list: '/api/alerts',
    make: async (client, name) => ({ path: `/alerts/rules/${AlertRule.parse(await client.post('/alerts/rules', { name, condition: { kind: 'wallet', belowUsd: '5' } })).id}`, theirs: { enabled: false } }),
    edit: async (page, name) => {
      await page.goto('/dashboard/alerts')
      await page.getByRole('button', { name: `Edit ${name}` }).click()
      return page.getByRole('dialog').getByRole('textbox', { name: 'Below' })
    }
  },
  'how an organisation pays': {
    list: '/api/platform/orgs',
    make: async (client, name) => ({ path: `/platform/orgs/${CreatedOrg.parse(await client.post('/platform/orgs', { name })).id}/wallet`, theirs: { mode: 'unlimited' } }),
    edit: async (page, name) => {
      await page.goto(`/dashboard/platform/orgs?search=${encodeURIComponent(name)}`)
      await page.getByRole('button', { name: `Actions for ${name}` }).click()
      await page.getByRole('menuitem', { name: 'Wallet' }).click()
      return page.getByRole('dialog').getByRole('spinbutton', { name: 'Markup' })
    }
  }
}

for (const [what, { list, make, edit }] of Object.entries(edited)) {
  test(`what was typed of ${what} that somebody else has changed stays, though the list cannot be read any more`, async ({ page, client, isMobile }) => {
    const name = `kept-${isMobile ? 'phone' : 'desktop'}`
    const { path, theirs } = await make(client, name)
    const field = await edit(page, name)
    await client.call('PATCH', path, theirs)
    let reads = 0
    await page.route(url => url.pathname === list, async (route) => {
      reads += 1
      await route.fulfill({ status: 503 })
    })
    await field.fill('7')
    const dialog = page.getByRole('dialog')
    await dialog.getByRole('button', { name: /^Save/ }).click()
    await expect(dialog.getByRole('alert')).toContainText('Ada changed this')
    // Whatever the page asked for with it has been asked for by then.
    await page.evaluate(() => fetch('/health'))
    expect(reads).toBe(0)
    await expect(field).toHaveValue('7')
    await dialog.getByRole('button', { name: 'Save mine over it' }).click()
    await expect(dialog).toBeHidden()
    await expect(page.getByRole('alert').filter({ hasText: 'could not be loaded' }).first()).toBeVisible()
    // Others choose among those that are there.
    if (list === '/api/connections') await client.call('DELETE', path)
  })
}

/** What a page reads beside its list, and what it says where that fails. */
const unread: Record<string, { path: string, read: RegExp, told: string }> = {
  'budgets of keys': { path: '/dashboard/keys', read: /\/api\/budgets$/, told: 'could not be loaded' },
  'holds': { path: '/dashboard/billing', read: /\/api\/transactions\?(.*&)?status=held/, told: 'The holds could not be loaded.' },
  'tools of chats': { path: '/dashboard/limits', read: /\/api\/orgs\/current$/, told: 'The settings could not be loaded.' },
  'people who could be added to a project': { path: '/projects', read: /\/api\/orgs\/current\/members\?/, told: 'The members of the organisation could not be loaded.' }
}

for (const [what, { path, read, told }] of Object.entries(unread)) {
  test(`that ${what} could not be loaded is told, and not that there are none`, async ({ page, client }) => {
    await client.post('/keys', { name: 'Without a budget' })
    const { projects: [project] } = ProjectPage.parse(await client.get('/projects'))
    await page.goto('/dashboard/models')
    await page.route(read, route => route.fulfill({ status: 503 }))
    // Within the page: what the server draws it reads by itself.
    const to = path === '/projects' ? `/projects/${project?.id}` : path
    await page.evaluate(async (address) => {
      const useNuxtApp: unknown = Reflect.get(window, 'useNuxtApp')
      if (typeof useNuxtApp === 'function') await useNuxtApp().$router.push(address)
    }, to)
    await expect(page.getByText(told, { exact: true }).first()).toBeAttached()
    if (path === '/dashboard/keys') return
    await page.unroute(read)
    await page.getByRole('alert').filter({ hasText: told }).getByRole('button', { name: 'Try again' }).click()
    await expect(page.getByText(told)).toHaveCount(0)
  })
}

test('where the limits allow no model, the list of models says so, and asks for no connection', async ({ page, client, mock }) => {
  expect(mock.baseUrl).toContain('http')
  const { policy } = VersionedPolicy.parse(await client.get('/orgs/current/policy'))
  try {
    await client.call('PUT', '/orgs/current/policy', { policy: { ...policy, deniedModels: ['*'] } })
    await page.goto('/dashboard/models')
    await expect(page.getByText('the limits allow none of them')).toBeVisible()
  } finally {
    await client.call('PUT', '/orgs/current/policy', { policy })
  }
})

test('a limit that is none is told beside its field', async ({ page }) => {
  await page.goto('/dashboard/limits')
  await page.getByRole('textbox', { name: 'A month' }).fill('a lot')
  await page.getByRole('button', { name: 'Save limits' }).click()
  await expect(page.getByText('must be an amount in USD')).toBeVisible()
})

test('what a form still needs is told in plain words, at its field', async ({ page }) => {
  await page.goto('/dashboard/keys')
  await page.getByRole('button', { name: 'New key' }).click()
  await page.getByRole('button', { name: 'Create key' }).click()
  await expect(page.getByRole('dialog').getByText('must not be empty')).toBeVisible()
  await page.goto('/dashboard/models')
  await page.getByRole('button', { name: 'New route' }).click()
  const form = page.getByRole('dialog')
  await form.getByRole('textbox', { name: 'Name' }).fill('fast')
  await form.getByRole('button', { name: 'Save route' }).click()
  await expect(form.getByRole('textbox', { name: 'Its model' })).toHaveAccessibleDescription('must not be empty')
})

test('a connection is tested with a real call, and shows how it does', async ({ page, mock }) => {
  expect(mock.baseUrl).toContain('http')
  await page.goto('/dashboard/connections')
  const row = page.getByRole('row', { name: 'mock' })
  await row.getByRole('button', { name: 'Actions for mock' }).click()
  await page.getByRole('menuitem', { name: 'Test now' }).click()
  await expect(page.getByRole('dialog')).toContainText('It works')
  await expect(page.getByRole('dialog')).toContainText(/\d m?s · status 200/)
})

test('a route is made, tried, charged and traced', async ({ page, isMobile, mock }) => {
  expect(mock.baseUrl).toContain('http')
  const alias = `fast-${isMobile ? 'phone' : 'desktop'}`
  await page.goto('/dashboard/models')
  await page.getByRole('button', { name: 'New route' }).click()
  const form = page.getByRole('dialog')
  await form.getByRole('textbox', { name: 'Name' }).fill(alias)
  await form.getByRole('textbox', { name: 'Its model' }).fill('demo')
  await form.getByRole('button', { name: 'Save route' }).click()
  await expect(form).toBeHidden()
  await page.getByRole('button', { name: `Actions for ${alias}` }).click()
  await page.getByRole('menuitem', { name: 'Try it now' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Ask' }).click()
  await expect(page.getByRole('dialog')).toContainText('Served by')
  await page.getByRole('link', { name: 'Open its trace' }).click()
  await expect(page.getByRole('complementary', { name: 'Trace' })).toContainText('demo')
})

test('a wallet is topped up once, and every digit is shown where asked', async ({ page, isMobile }) => {
  const what = `Paid by ${isMobile ? 'phone' : 'desktop'}`
  await page.goto('/dashboard/billing')
  await page.getByRole('button', { name: 'Top up' }).click()
  await page.getByRole('textbox', { name: 'Amount' }).fill('0.000000001')
  await page.getByRole('textbox', { name: 'What for' }).fill(what)
  await page.getByRole('dialog').getByRole('button', { name: 'Top up' }).click()
  await expect(page.getByRole('dialog')).toBeHidden()
  await page.getByRole('switch', { name: 'Every digit' }).click()
  await expect(page.getByText('$0.000000001', { exact: true }).filter({ visible: true }).first()).toBeVisible()
  await page.goto('/dashboard/billing?type=topup&state=held')
  await expect(page.getByText('No transaction is like that.')).toBeVisible()
})

test('a secret that could not replace the old one stays typed, and replaces it then', async ({ page, client, isMobile }) => {
  const name = `secretive-${isMobile ? 'phone' : 'desktop'}`
  const connection = Connection.parse(await client.post('/connections', { kind: 'openai-compatible', name, baseUrl: 'http://127.0.0.1:9/v1', secret: 'sk-old', config: { models: ['none'] } }))
  await page.goto('/dashboard/connections')
  await page.getByRole('button', { name: `Actions for ${name}`, exact: true }).click()
  await page.getByRole('menuitem', { name: 'Replace secret' }).click()
  const replacing = page.getByRole('dialog', { name: 'Replace secret' })
  await expect(replacing.getByText('It goes to http://127.0.0.1:9/v1.')).toBeVisible()
  await replacing.getByLabel('New secret').fill('sk-shown-once')
  const nowhere = (route: Route) => route.abort()
  await page.route('**/api/connections**', nowhere)
  await replacing.getByLabel('New secret').press('Enter')
  await expect(page.getByText('The connection was not changed').first()).toBeVisible()
  await page.unroute('**/api/connections**', nowhere)
  await expect(replacing.getByLabel('New secret')).toBeFocused()
  await client.call('PATCH', `/connections/${connection.id}`, { name: `${name}-anew` })
  const unread = (route: Route) => route.request().method() === 'GET' ? route.fulfill({ status: 503, json: { error: { code: 'unavailable', message: 'Later.' } } }) : route.continue()
  await page.route('**/api/connections**', unread)
  await replacing.getByRole('button', { name: 'Replace' }).click()
  await expect(page.getByText('Ada changed this since you opened it.').first()).toBeVisible()
  await expect(replacing.getByText(`${name}-anew`)).toBeVisible()
  await expect(replacing.getByLabel('New secret')).toHaveValue('sk-shown-once')
  await page.unroute('**/api/connections**', unread)
  await replacing.getByRole('button', { name: 'Replace' }).click()
  await expect(page.getByRole('dialog', { name: `Test “${name}-anew”` })).toContainText('It cannot be reached')
  await expect(replacing).toHaveCount(0)
  await client.call('DELETE', `/connections/${connection.id}`)
})

test('a refund whose answer is lost may have been made, and sent again is made once', async ({ page, loom, client }) => {
  const refId = `refunded-${crypto.randomUUID()}`
  const orgId = await ownOrg(client)
  await client.post(`/platform/orgs/${orgId}/funds`, { amountUsd: '1', refId: `for-${refId}` })
  const { key } = CreatedApiKey.parse(await client.post('/keys', { name: refId, scopes: ['inference', 'billing'] }))
  const answer = await fetch(`${loom.url}/v1/chat/completions`, {
    method: 'POST', headers: { 'authorization': `Bearer ${key}`, 'content-type': 'application/json', 'x-billing-amount': '0.25', 'x-billing-ref-id': refId },
    body: JSON.stringify({ model: 'demo', messages: [{ role: 'user', content: 'And a shuttle?' }] })
  })
  expect(answer.status, await answer.text()).toBe(200)
  const found = async (query: string) => TransactionPage.parse(await client.get(`/transactions?${query}`)).items
  const [charge] = await found(`refId=${refId}`)

  await page.goto('/dashboard/billing?type=charge')
  const row = page.getByRole('region', { name: 'Transactions' }).getByRole('row').filter({ hasText: refId })
  const dialog = page.getByRole('dialog')
  const amount = dialog.getByRole('textbox', { name: 'Amount' })
  await row.getByRole('button', { name: 'Refund' }).click()
  await amount.fill('0.125')
  // It arrives; its answer is lost.
  await page.route('**/refunds', async (route) => {
    await route.fetch()
    await route.abort()
  }, { times: 1 })
  await dialog.getByRole('button', { name: 'Refund' }).click()
  await expect(page.getByText('It may have been refunded.').first()).toBeVisible()
  await dialog.getByRole('button', { name: 'Cancel' }).click()
  await expect(dialog).toBeHidden()
  await row.getByRole('button', { name: 'Refund' }).click()
  await expect(amount).toHaveValue('0.125')
  await expect(amount).toHaveAttribute('readonly')
  await dialog.getByRole('button', { name: 'Refund' }).click()
  await expect(dialog).toBeHidden()
  await expect(row).toContainText('$0.125 refunded')
  expect((await found('type=refund')).filter(({ chargeId }) => chargeId === charge?.id)).toMatchObject([{ amountNanoUsd: '125000000' }])
})

test('a list that is filtered begins with its first page, however far it was read before, and keeps what comes late of the other out', async ({ page, client }) => {
  const orgId = await ownOrg(client)
  for (let made = 0; made < 55; made++) await client.post(`/platform/orgs/${orgId}/funds`, { amountUsd: '0.01', refId: `paged-${crypto.randomUUID()}` })
  for (const amountUsd of ['-0.01', '-0.02']) await client.post(`/platform/orgs/${orgId}/funds`, { amountUsd, refId: `taken-${crypto.randomUUID()}` })
  await page.goto('/dashboard/billing')
  const section = page.getByRole('region', { name: 'Transactions' })
  const rows = section.locator('tbody').getByRole('row')
  const older = section.getByRole('button', { name: 'Load more transactions' })
  // Without coming into sight, which would load them, too, and may take the button away before it is clicked.
  const loadOlder = () => older.dispatchEvent('click')
  const choose = async (type: string) => {
    await section.getByRole('combobox', { name: 'Type' }).click()
    await page.getByRole('option', { name: type, exact: true }).click()
  }
  await expect(rows).toHaveCount(50)
  await loadOlder()
  await expect.poll(() => rows.count()).toBeGreaterThan(55)
  await choose('top-up')
  await expect(rows).toHaveCount(50)

  const held = Promise.withResolvers<undefined>()
  await page.route('**/api/transactions?*cursor=*', async (route) => {
    await held.promise
    await route.continue()
  })
  const late = page.waitForResponse(response => response.url().includes('cursor='))
  await Promise.all([page.waitForRequest(request => request.url().includes('cursor=')), loadOlder()])
  await choose('adjustment')
  await expect(rows.first()).toContainText('adjustment')
  const listed = await rows.count()
  held.resolve(undefined)
  await (await late).finished()
  await expect(older).toHaveCount(0)
  await expect(rows).toHaveCount(listed)
})

test('a rule is made and told apart from others, its webhook\'s secret shown once', async ({ page, isMobile }) => {
  const name = `Ops ${isMobile ? 'phone' : 'desktop'}`
  await page.goto('/dashboard/alerts')
  await page.getByRole('button', { name: 'New webhook' }).click()
  await page.getByRole('textbox', { name: 'Name' }).fill(name)
  await page.getByRole('textbox', { name: 'Address' }).fill('http://127.0.0.1:9/hook')
  await page.getByRole('button', { name: 'Add webhook' }).click()
  await expect(page.getByRole('status', { name: 'Signing secret' })).toContainText('whsec_')
  await page.getByRole('button', { name: 'I have copied it' }).click()
  await page.getByRole('button', { name: 'New rule' }).click()
  await page.getByRole('textbox', { name: 'Name' }).fill(`${name} budget`)
  await page.getByRole('button', { name: 'Save rule' }).click()
  await expect(page.getByRole('row', { name: `${name} budget` })).toBeVisible()
  await page.getByRole('button', { name: `Actions for ${name}` }).click()
  await page.getByRole('menuitem', { name: 'Send a test' }).click()
  await expect(page.getByRole('row').filter({ hasText: 'The receiver refused the connection.' }).first()).toBeVisible()
})
