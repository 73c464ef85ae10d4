import type { Page } from '@playwright/test'
import { z } from 'zod'
import { expectAccessible } from './expect-accessible'
import { expect, test } from './fixtures'

/** Every panel and dialog of the admin pages, and how it is opened. */
const dialogs: Record<string, { path: string, open: (page: Page) => Promise<void> }> = {
  'a new key with all its limits': {
    path: '/dashboard/keys',
    open: async (page) => {
      await page.getByRole('button', { name: 'New key' }).click()
      await page.getByRole('button', { name: 'Limits, budgets and models' }).click()
      await expect(page.getByRole('spinbutton', { name: 'Requests' })).toBeVisible()
    }
  },
  'a new route': { path: '/dashboard/models', open: page => page.getByRole('button', { name: 'New route' }).click() },
  'a new price': { path: '/dashboard/models', open: page => page.getByRole('button', { name: 'New price' }).click() },
  'trying a model': { path: '/dashboard/models', open: page => page.getByRole('button', { name: 'Try demo', exact: true }).click() },
  'a top-up': { path: '/dashboard/billing', open: page => page.getByRole('button', { name: 'Top up' }).click() },
  'a new rule': { path: '/dashboard/alerts', open: page => page.getByRole('button', { name: 'New rule' }).first().click() },
  'a new webhook': { path: '/dashboard/alerts', open: page => page.getByRole('button', { name: 'New webhook' }).click() },
  'how an organisation pays': {
    path: '/dashboard/platform/orgs?state=active',
    open: async (page) => {
      await page.getByRole('main').getByRole('button', { name: /^Actions for/ }).first().click()
      await page.getByRole('menuitem', { name: 'Wallet' }).click()
    }
  },
  'editing a connection': {
    path: '/dashboard/connections',
    open: async (page) => {
      await page.getByRole('button', { name: 'Actions for demo' }).click()
      await page.getByRole('menuitem', { name: 'Edit' }).click()
    }
  }
}

for (const [name, { path, open }] of Object.entries(dialogs)) {
  test(`the dialog of ${name} can be read and used by everyone, and Escape closes it`, async ({ page }) => {
    await page.goto(path)
    await open(page)
    const dialog = page.getByRole('dialog')
    await expect(dialog).toBeVisible()
    await expectAccessible(page)
    await page.keyboard.press('Escape')
    await expect(dialog).toBeHidden()
  })
}

test('the panel of a key can be read and used by everyone, and has an address of its own', async ({ page, client }) => {
  const { id } = z.object({ id: z.string() }).parse(await client.post('/keys', { name: 'Panel', limits: { budgets: { day: '1', total: '2' } } }))
  await page.goto(`/dashboard/keys?key=${id}`)
  await expect(page.getByRole('meter', { name: 'Budget in total' })).toBeVisible()
  await expectAccessible(page)
  await page.keyboard.press('Escape')
  await expect(page).toHaveURL(/\/dashboard\/keys$/)
})

test('a form is sent once at a time, however often its button is clicked while the answer is on its way', async ({ page }) => {
  const held = Promise.withResolvers<undefined>()
  let sent = 0
  await page.route('**/api/projects', async (route) => {
    sent++
    await held.promise
    await route.continue()
  })
  await page.goto('/projects')
  await page.getByRole('button', { name: 'New project' }).click()
  const dialog = page.getByRole('dialog', { name: 'New project' })
  await dialog.getByLabel('Name').fill('Sent once')
  const create = dialog.getByRole('button', { name: 'Create project' })
  await create.click()
  await create.click({ force: true })
  held.resolve(undefined)
  await expect(page).toHaveURL(/\/projects\/[\da-f-]{36}/)
  expect(sent).toBe(1)
})
