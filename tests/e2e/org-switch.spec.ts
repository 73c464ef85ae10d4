import { randomUUID } from 'node:crypto'
import type { BrowserContext, Page } from '@playwright/test'
import { CreatedApiKey } from '../../shared/keys'
import { CreatedOrg } from '../../shared/platform'
import type { LoomServer } from '../support/loom-server'
import { admin } from '../support/set-up-loom'
import type { Visitor } from '../support/visitor'
import { join, signInAs } from '../support/visitor'
import { expect, test } from './fixtures'

test.use({ storageState: { cookies: [], origins: [] } })

interface Tenant { id: string, name: string, keyName: string, calls: number }

/** Somebody who owns two organisations with other keys and other numbers of calls, and is in the first of them. */
async function ownTwoOrgs(loom: LoomServer): Promise<{ owner: Visitor, first: Tenant, second: Tenant }> {
  const id = randomUUID().slice(0, 8)
  const email = `owner-${id}@example.com`
  const platformAdmin = await signInAs(loom, admin.email, admin.password)
  const owner = await join(platformAdmin, email, 'member')
  const found = async (name: string, calls: number): Promise<Tenant> => {
    const org = CreatedOrg.parse((await platformAdmin.succeed('POST', '/api/platform/orgs', { name, wallet: 'unlimited', ownerEmail: email })).body)
    await owner.succeed('POST', `/api/invitations/${org.invitationUrl?.split('/').at(-1)}/accept`, {})
    await owner.succeed('POST', '/api/session/org', { orgId: org.id })
    const keyName = `Key of ${name}`
    const { key } = CreatedApiKey.parse((await owner.succeed('POST', '/api/keys', { name: keyName })).body)
    for (let call = 0; call < calls; call++) await ask(loom, key)
    return { id: org.id, name, keyName, calls }
  }
  const [first, second] = [await found(`First ${id}`, 3), await found(`Second ${id}`, 1)]
  await owner.succeed('POST', '/api/session/org', { orgId: first.id })
  return { owner, first, second }
}

async function ask(loom: LoomServer, key: string) {
  const answer = await fetch(`${loom.url}/v1/chat/completions`, { method: 'POST', headers: { 'authorization': `Bearer ${key}`, 'content-type': 'application/json' }, body: JSON.stringify({ model: 'demo', messages: [{ role: 'user', content: 'What is a heddle?' }] }) })
  expect(answer.status, await answer.text()).toBe(200)
}

async function signIn(context: BrowserContext, { cookie, loom }: Visitor) {
  await context.addCookies(cookie.split('; ').map(pair => ({ name: pair.slice(0, pair.indexOf('=')), value: pair.slice(pair.indexOf('=') + 1), url: loom.url })))
}

async function switchTo(page: Page, { name }: Tenant, isMobile: boolean) {
  if (isMobile) await page.getByRole('button', { name: 'Open sidebar' }).click()
  await page.getByRole('button', { name: /^Organisation: / }).filter({ visible: true }).click()
  await page.getByRole('menuitemcheckbox', { name }).click()
}

const requests = (page: Page) => page.getByRole('definition').first()

test('who switches to another organisation sees its figures and keys, and nothing of the one before', async ({ page, context, loom, session, isMobile }) => {
  expect(session.cookie).toBeTruthy()
  const { owner, first, second } = await ownTwoOrgs(loom)
  await signIn(context, owner)
  await page.goto('/dashboard?window=24h&by=key')
  await expect(requests(page)).toContainText(String(first.calls))
  await expect(page.getByText(first.keyName).first()).toBeVisible()
  await switchTo(page, second, isMobile)
  await expect(page).toHaveURL(`${loom.url}/dashboard`)
  await expect(requests(page)).toContainText(String(second.calls))
  await expect(page.getByText(second.keyName).first()).toBeVisible()
  for (const text of [first.name, first.keyName]) await expect(page.getByText(text)).toHaveCount(0)

  await page.goto('/dashboard/keys')
  await expect(page.getByRole('row', { name: second.keyName })).toBeVisible()
  await page.getByRole('link', { name: second.keyName }).click()
  await expect(page).toHaveURL(/key=/)
  await expect(page.getByRole('dialog')).toBeVisible()
  await page.keyboard.press('Escape')
  await expect(page.getByRole('dialog')).toBeHidden()
  await switchTo(page, first, isMobile)
  await expect(page).toHaveURL(`${loom.url}/dashboard/keys`)
  await expect(page.getByRole('row', { name: first.keyName })).toBeVisible()
  await expect(page.getByText(second.keyName)).toHaveCount(0)
})

test('the other tabs of the browser follow to the organisation that was switched to', async ({ page, context, loom, session, isMobile }) => {
  expect(session.cookie).toBeTruthy()
  const { owner, first, second } = await ownTwoOrgs(loom)
  await signIn(context, owner)
  const other = await context.newPage()
  await other.goto('/dashboard?window=24h&by=key')
  await expect(other.getByText(first.keyName).first()).toBeVisible()
  await page.goto('/dashboard/keys')
  await switchTo(page, second, isMobile)
  await expect(page.getByRole('row', { name: second.keyName })).toBeVisible()
  await expect(other.getByText(second.keyName).first()).toBeVisible()
  await expect(other.getByText(first.keyName)).toHaveCount(0)
})
