import type { Page } from '@playwright/test'
import { z } from 'zod'
import { Conversation } from '../../shared/conversations'
import { CreatedInvitation, MemberPage } from '../../shared/identity'
import { Project } from '../../shared/projects'
import type { ChatClient } from '../support/chat-client'
import { admin } from '../support/set-up-loom'
import { PASSWORD } from '../support/visitor'
import { expectAccessible } from './expect-accessible'
import { expect, test, waitUntilAlive } from './fixtures'

interface Shelves {
  /** Not among the hundred that were active last, with a conversation *Far away*. */
  flax: Project
  afar: Conversation
  /** The one that was active last, with conversations *To move* and *To move, too*. */
  hemp: Project
  near: Conversation
}

let made: string[] = []
test.afterEach(async ({ client }) => {
  for (const id of made) await client.call('DELETE', `/projects/${id}`)
  made = []
})

async function makeProject(client: ChatClient, name: string, description = '') {
  const project = Project.parse(await client.post('/projects', { name, description }))
  made.push(project.id)
  return project
}

const converse = async (client: ChatClient, project: Project, title: string) => Conversation.parse(await client.post(`/projects/${project.id}/conversations`, { title, model: 'demo' }))

/** `description`: of the twenty that are active last but for Hemp. */
async function makeShelves(client: ChatClient, description = ''): Promise<Shelves> {
  const flax = await makeProject(client, 'Flax')
  const afar = await converse(client, flax, 'Far away')
  for (let others = 0; others < 100; others++) await makeProject(client, `Wool ${others}`, others < 80 ? '' : description)
  const hemp = await makeProject(client, 'Hemp')
  await converse(client, hemp, 'To move, too')
  return { flax, afar, hemp, near: await converse(client, hemp, 'To move') }
}

const sidebarOf = (page: Page) => page.getByRole('navigation', { name: 'Main' })

async function findInDialog(page: Page, name: string) {
  const dialog = page.getByRole('dialog', { name: 'Move to a project' })
  await dialog.getByRole('button', { name: 'Project' }).click()
  // Where they are already.
  await page.getByPlaceholder('Find a project').fill('Hemp')
  await expect(page.getByText('No project matches')).toBeVisible()
  await page.getByPlaceholder('Find a project').fill(name)
  await expect(page.getByRole('option')).toHaveText([name])
  await page.keyboard.press('Enter')
  await expect(dialog.getByRole('button', { name: 'Project' })).toHaveText(name)
  await expectAccessible(page)
  await page.screenshot({ path: `.cache/test/shots/move-${page.viewportSize()?.width}.png` })
  await dialog.getByRole('button', { name: 'Move', exact: true }).click()
}

test('of very many projects the one on the screen is in the sidebar, stays there, and any is found by the search', async ({ page, client, isMobile }) => {
  test.skip(isMobile, 'the sidebar stands beside the page only on a desktop, and a phone has no keyboard')
  const { flax, hemp } = await makeShelves(client, 'Not of flax')
  const sidebar = sidebarOf(page)
  const projects = sidebar.getByRole('region', { name: 'Projects' })
  await page.goto(`/projects/${hemp.id}`)
  await expect(projects.getByRole('link', { name: 'Hemp' })).toBeVisible()
  await page.keyboard.press('Control+k')
  await page.getByPlaceholder('Search conversations and places').fill('flax')
  await page.getByRole('option', { name: 'Flax' }).click()
  await expect(page).toHaveURL(new RegExp(`/projects/${flax.id}$`))
  await expect(projects.getByRole('link', { name: 'Flax' })).toHaveAttribute('aria-current', 'page')
  await page.goto('/dashboard')
  await expect(projects.getByRole('link', { name: 'Flax' })).toBeVisible()
  await expect(sidebar.getByRole('link', { name: 'Far away' })).toBeVisible()
  await page.screenshot({ path: '.cache/test/shots/many-projects.png' })
})

test.describe('after a login', () => {
  test.use({ storageState: { cookies: [], origins: [] } })

  test('a project beyond the hundred is asked for a few times at most, however many conversations it has', async ({ page, client, isMobile }) => {
    test.skip(isMobile, 'a phone has no keyboard')
    const { flax } = await makeShelves(client)
    for (let others = 0; others < 8; others++) await converse(client, flax, `Farther away ${others}`)
    // That made it the last active.
    for (let others = 0; others < 100; others++) await makeProject(client, `Silk ${others}`)
    await page.goto('/login?next=/dashboard')
    await page.getByRole('textbox', { name: 'Email' }).fill(admin.email)
    await page.getByRole('textbox', { name: 'Password' }).fill(admin.password)
    await page.getByRole('button', { name: 'Log in' }).click()
    const projects = sidebarOf(page).getByRole('region', { name: 'Projects' })
    await expect(projects.getByRole('link', { name: 'Silk 99' })).toBeVisible()

    const asked: string[] = []
    page.on('request', (request) => {
      const { pathname, searchParams } = new URL(request.url())
      if ((pathname === '/api/projects' && !searchParams.has('search')) || pathname === `/api/projects/${flax.id}`) asked.push(pathname)
    })
    // The list comes when the rows of conversations are there.
    const rows = Promise.withResolvers<undefined>()
    await page.route(({ pathname, searchParams }) => pathname === '/api/projects' && !searchParams.has('search'), async (route) => {
      await rows.promise
      await route.continue()
    })
    await page.keyboard.press('Control+k')
    await page.getByPlaceholder('Search conversations and places').fill('flax')
    await page.getByRole('option', { name: 'Flax' }).click()
    await expect(page.getByRole('main').getByRole('link', { name: 'Farther away 7' })).toBeVisible()
    await expect(sidebarOf(page).getByRole('link', { name: 'Farther away 7' })).toBeVisible()
    rows.resolve(undefined)
    await expect(projects.getByRole('link', { name: 'Flax' })).toHaveAttribute('aria-current', 'page')
    expect(asked.length, asked.join('\n')).toBeLessThanOrEqual(4)
  })
})

test('an archived project is the current one while it is on the screen, and offered nowhere afterwards', async ({ page, client, isMobile }) => {
  test.skip(isMobile, 'the sidebar stands beside the page only on a desktop, and a phone has no keyboard')
  const archived = await makeProject(client, 'Old batiste')
  await converse(client, archived, 'Put away')
  const live = await makeProject(client, 'New batiste')
  await converse(client, live, 'At hand')
  await client.call('PATCH', `/projects/${archived.id}`, { archived: true })
  const sidebar = sidebarOf(page)
  await page.goto(`/projects/${archived.id}`)
  await expect(sidebar.getByRole('link', { name: 'Old batiste' })).toHaveAttribute('aria-current', 'page')
  await sidebar.getByRole('link', { name: 'Dashboard' }).click()
  await expect(page).toHaveURL(/\/dashboard/)
  await expect(sidebar.getByRole('link', { name: 'New chat' })).toHaveAttribute('href', `/projects/${live.id}/c/new`)
  await expect(sidebar.getByRole('link', { name: 'Old batiste' })).toHaveCount(0)
  await page.keyboard.press('Control+k')
  await page.getByPlaceholder('Search conversations and places').fill('batiste')
  const options = page.getByRole('option', { name: 'batiste' })
  await expect(options).toHaveText(['New batiste'])
  await options.click()
  await page.getByRole('main').getByRole('button', { name: 'Actions for At hand' }).click()
  // Nowhere else to move to, unless other tests have left something.
  const moveTo = page.getByRole('menuitem', { name: 'Move to' })
  if (await moveTo.isEnabled()) await moveTo.press('ArrowRight')
  await expect(page.getByRole('menuitem', { name: 'Old batiste' })).toHaveCount(0)
})

test('the sidebar keeps its projects when they cannot be read anew, says so, and reads them when asked', async ({ page, client, isMobile }) => {
  const project = await makeProject(client, 'Kept linen')
  await page.goto(`/projects/${project.id}`)
  let fails = true
  await page.route(({ pathname }) => pathname === '/api/projects', async (route) => {
    if (!fails) return route.continue()
    await route.fulfill({ status: 500, json: { error: { code: 'internal', message: 'Something went wrong.' } } })
  })
  const logged = page.waitForEvent('console', { predicate: message => message.text().startsWith('The projects could not be read anew') })
  await page.getByRole('radio', { name: 'Only its members' }).click()
  await expect(page.getByRole('radio', { name: 'Only its members' })).toBeChecked()
  await logged
  if (isMobile) await page.getByRole('button', { name: 'Open sidebar' }).click()
  const projects = sidebarOf(page).getByRole('region', { name: 'Projects' })
  await expect(projects.getByRole('alert')).toContainText('Not all could be loaded.')
  await expect(projects.getByRole('link', { name: 'Kept linen' })).toBeVisible()
  await expectAccessible(page)
  await page.screenshot({ path: `.cache/test/shots/kept-projects-${page.viewportSize()?.width}.png` })
  const renamed = await client.call('PATCH', `/projects/${project.id}`, { name: 'Mended linen' })
  expect(renamed.status).toBe(200)
  fails = false
  await projects.getByRole('button', { name: 'Try again' }).click()
  await expect(projects.getByRole('link', { name: 'Mended linen' })).toBeVisible()
  await expect(projects.getByRole('alert')).toHaveCount(0)
})

test('a project on the screen that the sidebar cannot look up is told of there, and looked up when asked', async ({ page, client, isMobile }) => {
  const archived = await makeProject(client, 'Lost linen')
  await client.call('PATCH', `/projects/${archived.id}`, { archived: true })
  await page.goto('/projects')
  await page.getByRole('button', { name: 'Archived' }).click()
  let fails = true
  await page.route(({ pathname }) => pathname === `/api/projects/${archived.id}`, async (route) => {
    if (!fails) return route.continue()
    await route.fulfill({ status: 500, json: { error: { code: 'internal', message: 'Something went wrong.' } } })
  })
  await page.getByRole('main').getByRole('link', { name: 'Lost linen' }).click()
  await expect(page).toHaveURL(new RegExp(`/projects/${archived.id}$`))
  if (isMobile) await page.getByRole('button', { name: 'Open sidebar' }).click()
  const projects = sidebarOf(page).getByRole('region', { name: 'Projects' })
  await expect(projects.getByRole('alert')).toContainText('Not all could be loaded.')
  fails = false
  await projects.getByRole('button', { name: 'Try again' }).click()
  await expect(projects.getByRole('link', { name: 'Lost linen' })).toBeVisible()
  await expect(projects.getByRole('alert')).toHaveCount(0)
})

test('of very many projects a conversation is moved to any, by itself and with others', async ({ page, client, isMobile }) => {
  const { flax, hemp, near } = await makeShelves(client)
  await page.addInitScript(scheme => localStorage.setItem('nuxt-color-mode', scheme), isMobile ? 'light' : 'dark')
  await page.goto(`/projects/${hemp.id}/c/${near.id}`)
  await page.getByRole('main').getByRole('button', { name: 'Actions for To move' }).click()
  await page.getByRole('menuitem', { name: 'Move to' }).press(isMobile ? 'Enter' : 'ArrowRight')
  await expect(page.getByRole('menuitem', { name: 'Wool 99' })).toBeVisible()
  await page.screenshot({ path: `.cache/test/shots/move-menu-${page.viewportSize()?.width}.png` })
  await page.getByRole('menuitem', { name: 'Find a project…' }).click()
  await findInDialog(page, 'Flax')
  await expect(page).toHaveURL(new RegExp(`/projects/${flax.id}/c/${near.id}$`))

  await page.goto(`/projects/${hemp.id}`)
  const main = page.getByRole('main')
  await main.getByRole('checkbox', { name: 'Choose To move, too' }).check()
  await page.getByRole('toolbar').getByRole('button', { name: 'Move' }).click()
  await page.getByRole('menuitem', { name: 'Find a project…' }).click()
  await findInDialog(page, 'Flax')
  await expect(page.locator('li').filter({ hasText: 'Moved 1 conversation to “Flax”' })).toBeVisible()
  await expect(main.getByRole('link', { name: 'To move, too' })).toHaveCount(0)
  await page.goto(`/projects/${flax.id}`)
  for (const title of ['Far away', 'To move', 'To move, too']) await expect(main.getByRole('link', { name: title, exact: true })).toBeVisible()
})

test('of very many projects a call is opened as a conversation in its own', async ({ page, loom, client }) => {
  const { flax } = await makeShelves(client)
  const { id, key } = z.object({ id: z.string(), key: z.string() }).parse(await client.post('/keys', { name: 'Flax', projectId: flax.id }))
  const answer = await fetch(`${loom.url}/v1/chat/completions`, { method: 'POST', headers: { 'authorization': `Bearer ${key}`, 'content-type': 'application/json' }, body: JSON.stringify({ model: 'demo', messages: [{ role: 'user', content: 'What is a heddle?' }] }) })
  expect(answer.status, await answer.text()).toBe(200)
  await page.goto(`/dashboard/traces?apiKeyId=${id}`)
  await page.locator('[data-trace]').first().click()
  await page.getByRole('button', { name: 'More actions' }).click()
  await page.getByRole('menuitem', { name: 'Open as a conversation…' }).click()
  const dialog = page.getByRole('dialog', { name: 'Open as a conversation' })
  await expect(dialog.getByRole('button', { name: 'Project' })).toHaveText('Flax')
  await dialog.getByRole('button', { name: 'Open', exact: true }).click()
  await expect(page).toHaveURL(new RegExp(`/projects/${flax.id}/c/`))
})

test('who only reads in a project is offered nothing more there for its being one of very many', async ({ browser, client, loom, viewport, isMobile }) => {
  const { flax, afar, hemp } = await makeShelves(client)
  const email = `member-${crypto.randomUUID()}@example.com`
  const { token } = CreatedInvitation.parse(await client.post('/orgs/current/invitations', { email, role: 'member' }))
  const page = await (await browser.newContext({ baseURL: loom.url, viewport, storageState: { cookies: [], origins: [] } })).newPage()
  waitUntilAlive(page)
  await page.request.post(`/api/invitations/${token}/accept`, { data: { name: 'Vera', password: PASSWORD }, headers: { origin: loom.url } })
  const { members: [member] } = MemberPage.parse(await client.get(`/orgs/current/members?search=${email}`))
  await client.call('PUT', `/projects/${flax.id}/members/${member?.userId}`, { role: 'viewer' })
  await client.call('PATCH', `/projects/${flax.id}`, { access: 'members' })

  await page.goto(`/projects/${flax.id}/c/${afar.id}`)
  await expect(page.getByText('You can read this conversation.')).toBeVisible()
  await page.getByRole('main').getByRole('button', { name: 'Actions for Far away' }).click()
  await expect(page.getByRole('menuitem')).toHaveText([/Export/])
  if (!isMobile) {
    const newChat = sidebarOf(page).getByRole('link', { name: 'New chat' })
    await page.keyboard.press('Escape')
    await expect(newChat).toHaveCount(0)
    // Likewise when it is come to from another, and left for the dashboard.
    await page.goto(`/projects/${hemp.id}`)
    await expect(newChat).toBeVisible()
    await page.keyboard.press('Control+k')
    await page.getByPlaceholder('Search conversations and places').fill('flax')
    await page.getByRole('option', { name: 'Flax' }).click()
    await expect(page).toHaveURL(new RegExp(`/projects/${flax.id}$`))
    await expect(newChat).toHaveCount(0)
    await sidebarOf(page).getByRole('link', { name: 'Dashboard' }).click()
    await expect(page).toHaveURL(/\/dashboard/)
    await expect(newChat).toHaveCount(0)
  }
  await page.context().close()
})
