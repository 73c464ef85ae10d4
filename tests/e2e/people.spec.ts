import { z } from 'zod'
import type { Locator, Page } from '@playwright/test'
import { CreatedInvitation, MemberPage, OrgDetails } from '../../shared/identity'
import { CreatedOrg, PlatformUserPage } from '../../shared/platform'
import { Project, ProjectMemberPage } from '../../shared/projects'
import type { LoomServer } from '../support/loom-server'
import { totp } from '../support/totp'
import { join, PASSWORD, Visitor } from '../support/visitor'
import { expectAccessible } from './expect-accessible'
import { expect, test, waitUntilAlive } from './fixtures'

async function logIn(page: Page, email: string) {
  await page.goto('/login')
  await page.getByRole('textbox', { name: 'Email' }).fill(email)
  await page.getByRole('textbox', { name: 'Password' }).fill(PASSWORD)
  await page.getByRole('button', { name: 'Log in', exact: true }).click()
}

/** The administrator as a visitor beside the browser. */
async function administrator(loom: LoomServer): Promise<Visitor> {
  const visitor = new Visitor(loom)
  await visitor.succeed('POST', '/api/auth/sign-in/email', { email: 'ada@example.com', password: PASSWORD })
  return visitor
}

test.describe('a visitor', () => {
  test.use({ storageState: { cookies: [], origins: [] } })

  test('turns two-factor on, and is asked for a code after the password from then on', async ({ page, loom, session, isMobile }) => {
    expect(session.cookie).toBeTruthy()
    const email = `careful-${isMobile ? 'phone' : 'desktop'}@example.com`
    await join(await administrator(loom), email, 'member')
    await logIn(page, email)
    await page.waitForURL(/projects/)
    await page.goto('/dashboard/settings/account')
    await page.getByRole('button', { name: 'Turn on' }).click()
    await page.getByRole('dialog').getByLabel('Password').fill(PASSWORD)
    await page.getByRole('button', { name: 'Go on' }).click()
    await expect(page.getByRole('img', { name: /QR code/ })).toBeVisible()
    const secret = await page.getByRole('dialog').locator('code').innerText()
    const code = () => totp(`otpauth://totp/x?secret=${secret}`)
    await page.getByRole('dialog').getByLabel('Code').fill(code() === '000000' ? '000001' : '000000')
    await page.getByRole('dialog').getByRole('button', { name: 'Turn on' }).click()
    await expect(page.getByRole('dialog').getByRole('alert')).toBeVisible()
    await page.getByRole('dialog').getByLabel('Code').fill(code())
    await page.getByRole('dialog').getByRole('button', { name: 'Turn on' }).click()
    await expect(page.getByRole('list', { name: 'Backup codes' }).getByRole('listitem')).toHaveCount(10)
    const backup = await page.getByRole('list', { name: 'Backup codes' }).getByRole('listitem').first().innerText()
    await page.getByRole('button', { name: 'I have kept them' }).click()
    await expect(page.getByRole('region', { name: 'Two-factor' })).toContainText('On')

    await page.context().clearCookies()
    await logIn(page, email)
    await expect(page.getByRole('heading', { name: 'One more step' })).toBeVisible()
    await page.getByLabel('Code').fill('000000')
    await page.getByRole('button', { name: 'Log in', exact: true }).click()
    await expect(page.getByRole('alert')).toBeVisible()
    await page.getByRole('button', { name: 'Use a backup code' }).click()
    await page.getByLabel('Backup code').fill(backup)
    await page.getByRole('button', { name: 'Log in', exact: true }).click()
    await page.waitForURL(/projects/)
  })

  test('an invitation leads into the organisation it is of, whoever accepts it', async ({ page, loom, session, isMobile }) => {
    expect(session.cookie).toBeTruthy()
    const platformAdmin = await administrator(loom)
    const email = `invited-${isMobile ? 'phone' : 'desktop'}@example.com`
    const invite = async (name: string) => {
      const { invitationUrl } = CreatedOrg.parse((await platformAdmin.succeed('POST', '/api/platform/orgs', { name, ownerEmail: email })).body)
      await page.goto(new URL(invitationUrl ?? '').pathname)
      await expect(page.getByRole('heading', { name: `Join ${name}` })).toBeVisible()
    }
    const current = async () => z.object({ org: z.object({ name: z.string() }) }).parse(await (await page.request.get('/api/session')).json()).org.name
    await invite(`Newcomers of ${email}`)
    await page.getByRole('textbox', { name: 'Name' }).fill('Grace')
    await page.getByLabel('Password').fill(PASSWORD)
    await page.getByRole('button', { name: 'Join', exact: true }).click()
    await page.waitForURL(/projects/)
    expect(await current()).toBe(`Newcomers of ${email}`)
    await invite(`Old hands of ${email}`)
    await page.getByRole('button', { name: `Join as ${email}` }).click()
    await page.waitForURL(/projects/)
    expect(await current()).toBe(`Old hands of ${email}`)
  })

  test('a viewer is offered nothing they may not do', async ({ page, loom, session, isMobile }) => {
    expect(session.cookie).toBeTruthy()
    const email = `viewer-${isMobile ? 'phone' : 'desktop'}@example.com`
    await join(await administrator(loom), email, 'viewer')
    await logIn(page, email)
    await page.waitForURL(/projects/)
    const visitor = new Visitor(loom)
    await visitor.succeed('POST', '/api/auth/sign-in/email', { email, password: PASSWORD })
    const { orgs } = z.object({ orgs: z.array(z.object({ id: z.string(), role: z.string() })) }).parse((await visitor.succeed('GET', '/api/session')).body)
    const org = orgs.find(({ role }) => role === 'viewer')
    await page.request.post('/api/session/org', { data: { orgId: org?.id }, headers: { origin: loom.url } })
    await page.goto('/projects')
    await expect(page.getByRole('button', { name: 'New project' })).toHaveCount(0)
    await page.goto('/dashboard/members')
    await expect(page.getByRole('row').nth(1)).toBeVisible()
    await expect(page.getByRole('button', { name: 'Invite' })).toHaveCount(0)
    await expect(page.getByRole('button', { name: /^Remove / })).toHaveCount(0)
    for (const tab of ['Keys', 'Audit', 'Platform']) await expect(page.getByRole('navigation', { name: 'Dashboard' }).getByRole('link', { name: tab, exact: true })).toHaveCount(0)
    await page.goto('/dashboard/settings')
    await expect(page.getByText('Admins and owners change these.')).toBeVisible()
    await expect(page.getByRole('button', { name: 'Save' })).toHaveCount(0)
    await expect(page.getByRole('button', { name: 'Delete organisation' })).toHaveCount(0)
  })
})

test('settings are saved though the time zone that is stored is of a form that is taken no longer', async ({ page, client }) => {
  const { name } = OrgDetails.parse(await client.get('/orgs/current'))
  await page.route('**/api/orgs/current', async (route) => {
    if (route.request().method() !== 'GET') return route.continue()
    const response = await route.fetch()
    await route.fulfill({ response, json: { ...await response.json(), timeZone: '+02:00' } })
  })
  await page.goto('/dashboard/settings')
  await expect(page.getByRole('button', { name: 'Time zone' })).toContainText('+02:00')
  try {
    await page.getByRole('textbox', { name: 'Name', exact: true }).fill('Looms of old')
    await page.getByRole('button', { name: 'Save', exact: true }).first().click()
    await expect(page.getByText('Saved', { exact: true })).toBeVisible()
    expect(OrgDetails.parse(await client.get('/orgs/current'))).toMatchObject({ name: 'Looms of old' })
  } finally {
    await client.call('PATCH', '/orgs/current', { name })
  }
})

test('an admin logs a member out everywhere, after a question', async ({ page, loom, isMobile }) => {
  const name = `left-behind-${isMobile ? 'phone' : 'desktop'}`
  const member = await join(await administrator(loom), `${name}@example.com`, 'member')
  await page.goto(`/dashboard/members?search=${name}`)
  await page.getByRole('button', { name: `Log ${name} out everywhere` }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Log out everywhere' }).click()
  await expect(page.getByText(`${name} is logged out everywhere`, { exact: true })).toBeVisible()
  await expect(page.getByRole('button', { name: `Log ${name} out everywhere` })).toHaveCount(0)
  expect((await member.call('GET', '/api/projects')).status).toBe(401)
})

/** As though there were very many: from then on, what the page asks for comes in pages of two. */
const shortenPages = (page: Page) => page.route(({ pathname }) => pathname === '/api/orgs/current/members' || /^\/api\/projects\/[^/]+\/members$/.test(pathname), (route) => {
  const url = new URL(route.request().url())
  url.searchParams.set('limit', '2')
  return route.continue({ url: url.href })
})

/** So many members whose names begin with what is returned, and end with their number. */
async function joinMany(loom: LoomServer, count: number): Promise<string> {
  const name = `thrum-${crypto.randomUUID()}`
  const inviter = await administrator(loom)
  for (let number = 1; number <= count; number++) await join(inviter, `${name}-${number}@example.com`, 'member')
  return name
}

/** Each press, or the end coming into sight, loads two. */
async function loadAll(page: Page, rows: Locator, count: number) {
  const more = page.getByRole('button', { name: 'Load more members' })
  await expect.poll(async () => {
    await more.evaluateAll(buttons => buttons.forEach(button => button instanceof HTMLElement && button.click()))
    return rows.count()
  }).toBe(count)
  await expect(more).toHaveCount(0)
}

test('of very many members one is found by name or email, and more are loaded', async ({ page, client, loom }) => {
  const name = await joinMany(loom, 5)
  await page.goto('/dashboard/members')
  await expect(page.getByRole('row', { name: /Ada/ })).toBeVisible()
  await shortenPages(page)
  const search = page.getByRole('textbox', { name: 'Search members' })
  const rows = page.getByRole('row').filter({ hasText: name })
  await search.fill(name)
  await expect(page.getByRole('row', { name: /Ada/ })).toHaveCount(0)
  await expect(page).toHaveURL(new RegExp(`search=${name}$`))
  await loadAll(page, rows, 5)
  await expectAccessible(page)
  await page.screenshot({ path: `.cache/test/shots/members-found-${page.viewportSize()?.width}.png` })

  await page.getByRole('combobox', { name: `Role of ${name}-5` }).click()
  await page.getByRole('option', { name: 'viewer' }).click()
  await expect(page.getByText(`${name}-5 is now viewer`, { exact: true })).toBeVisible()
  await expect(rows).toHaveCount(5)
  expect(MemberPage.parse(await client.get(`/orgs/current/members?search=${name}-5`)).members).toMatchObject([{ role: 'viewer' }])
  await search.fill(`${name}-3@EXAMPLE`)
  await expect(rows).toHaveCount(1)
  await search.fill('nobody is called so')
  await expect(page.getByText('No member matches.')).toBeVisible()
})

test('of very many members any is named in a project, found by their name, and offered again once they are taken out', async ({ page, client, loom }) => {
  const name = await joinMany(loom, 3)
  const { id } = Project.parse(await client.post('/projects', { name: `Shared by ${name}` }))
  await page.goto('/projects')
  await shortenPages(page)
  await page.getByRole('main').getByRole('link', { name: `Shared by ${name}` }).click()
  const section = page.getByRole('region', { name: 'Members' })
  const role = section.getByRole('combobox', { name: `What ${name}-3 may do` })
  const find = async (words: string) => {
    await section.getByRole('button', { name: 'Add a member' }).click()
    await page.getByPlaceholder('Name or email').fill(words)
  }
  await section.getByRole('button', { name: 'Add a member' }).click()
  await expect(page.getByRole('option')).toHaveCount(2)
  await page.keyboard.press('Escape')
  for (const words of [`${name}-3`, `${name}-3@example`]) {
    await find(words)
    await expect(page.getByRole('option')).toHaveText([new RegExp(`${name}-3@example.com`)])
    await page.keyboard.press('Enter')
    await expect(role).toBeVisible()
    await find(words)
    await expect(page.getByText('No member matches.')).toBeVisible()
    await page.keyboard.press('Escape')
    await section.getByRole('button', { name: `Take ${name}-3 out` }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Take out' }).click()
    await expect(role).toHaveCount(0)
  }

  for (const { userId } of MemberPage.parse(await client.get(`/orgs/current/members?search=${name}`)).members) await client.call('PUT', `/projects/${id}/members/${userId}`, { role: 'viewer' })
  await page.goBack()
  await page.getByRole('main').getByRole('link', { name: `Shared by ${name}` }).click()
  const rows = section.getByRole('listitem').filter({ hasText: name })
  await loadAll(page, rows, 3)
  const search = section.getByRole('textbox', { name: 'Search members' })
  await search.fill(`${name}-3@EXAMPLE`)
  await expect(rows).toHaveCount(1)
  await expect(role).toBeVisible()
  await expectAccessible(page)
  await page.screenshot({ path: `.cache/test/shots/project-members-found-${page.viewportSize()?.width}.png` })
  await search.fill('nobody is called so')
  await expect(section.getByText('No member matches.')).toBeVisible()
  await client.call('DELETE', `/projects/${id}`)
})

test('of very many members the log is narrowed to any, who is named whether listed or not', async ({ page, client, loom }) => {
  const name = await joinMany(loom, 3)
  const { members } = MemberPage.parse(await client.get(`/orgs/current/members?search=${name}`))
  await page.goto('/dashboard/models')
  await shortenPages(page)
  await page.evaluate(async (address) => {
    const useNuxtApp: unknown = Reflect.get(window, 'useNuxtApp')
    if (typeof useNuxtApp === 'function') await useNuxtApp().$router.push(address)
  }, `/dashboard/audit?userId=${members[1]?.userId}`)
  const who = (of: string) => page.getByRole('button', { name: `Who: ${of}`, exact: true })
  await who(`${name}-2`).click()
  await page.getByPlaceholder('Name or email').fill(`${name}-3`)
  await expect(page.getByRole('option')).toHaveText([new RegExp(`${name}-3@example.com`)])
  await page.keyboard.press('Enter')
  await expect(who(`${name}-3`)).toBeVisible()
  await expect(page).toHaveURL(new RegExp(`userId=${members[2]?.userId}`))
  await page.reload()
  await expect(who(`${name}-3`)).toBeVisible()
  await page.goto(`/dashboard/audit?userId=${crypto.randomUUID()}`)
  await expect(who('Somebody who left')).toBeVisible()
  await page.getByRole('button', { name: 'Clear' }).click()
  await expect(who('Anybody')).toBeVisible()
})

test('a member leaves, however many joined before', async ({ browser, client, loom, viewport }) => {
  const email = `leaves-${crypto.randomUUID()}@example.com`
  const { token } = CreatedInvitation.parse(await client.post('/orgs/current/invitations', { email, role: 'member' }))
  const page = await (await browser.newContext({ baseURL: loom.url, viewport, storageState: { cookies: [], origins: [] } })).newPage()
  waitUntilAlive(page)
  await page.request.post(`/api/invitations/${token}/accept`, { data: { name: 'Leaver', password: PASSWORD }, headers: { origin: loom.url } })
  await page.goto('/dashboard/settings')
  await page.route(({ pathname }) => pathname === '/api/orgs/current/members' || /^\/api\/projects\/[^/]+\/members$/.test(pathname), (route) => {
    const url = new URL(route.request().url())
    url.searchParams.set('limit', '1')
    return route.continue({ url: url.href })
  })
  await page.getByRole('button', { name: 'Leave', exact: true }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Leave', exact: true }).click()
  await expect.poll(async () => MemberPage.parse(await client.get(`/orgs/current/members?search=${email}`)).members).toEqual([])
  await page.context().close()
})

test('the log tells what was changed from what to what; its filters stay in the address', async ({ page, client, isMobile }) => {
  const name = `Hostile <img src=x onerror=alert(1)> \u202E ${isMobile ? 'phone' : 'desktop'}`
  await client.post('/keys', { name })
  await page.goto('/dashboard/audit?action=key.create')
  const row = page.getByRole('row').filter({ hasText: 'key.create' }).first()
  await expect(row).toBeVisible()
  await row.getByRole('button', { name: /Details of entry/ }).click()
  await expect(page.getByText(name)).toBeVisible()
  await page.getByRole('button', { name: /^key:/ }).first().click()
  await expect(page).toHaveURL(/action=key\.create&target=key/)
  await page.reload()
  await expect(page.getByRole('row').filter({ hasText: 'key.create' })).toHaveCount(1)
  await page.getByRole('button', { name: 'Clear' }).click()
  await expect(page).toHaveURL(/\/dashboard\/audit$/)
  const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name: 'CSV' }).click()])
  expect(download.suggestedFilename()).toBe('audit.csv')
})

test('two who change the same settings: the later is told, and overwrites nothing', async ({ page, loom }) => {
  await page.goto('/dashboard/settings')
  const name = page.getByRole('textbox', { name: 'Name' })
  await expect(name).not.toHaveValue('')
  expect((await page.request.patch('/api/orgs/current', { data: { name: 'Changed by a colleague' }, headers: { origin: loom.url } })).ok()).toBe(true)
  await name.fill('Changed by me')
  await page.getByRole('region', { name: 'Organisation', exact: true }).getByRole('button', { name: 'Save' }).click()
  await expect(page.getByRole('alert')).toContainText('changed this')
  await page.getByRole('button', { name: 'Take theirs' }).click()
  await expect(name).toHaveValue('Changed by a colleague')
})

test('of two who set how long traces are kept, the later is told before anything is deleted', async ({ page, client }) => {
  const set = (bodiesDays: number | null) => client.call('PUT', '/orgs/current/retention', { tracesDays: null, bodiesDays })
  expect((await set(null)).status).toBe(200)
  await page.goto('/dashboard/settings')
  const section = page.getByRole('region', { name: 'Retention' })
  const traces = section.getByRole('spinbutton', { name: 'Whole traces, in days' })
  await expect(traces).toBeVisible()
  expect((await set(400)).status).toBe(200)
  await traces.fill('30')
  await section.getByRole('button', { name: 'Save' }).click()
  await expect(section.getByRole('alert')).toContainText(/Bodies of calls, in days is now:\s*400/)
  expect(await client.get('/orgs/current/retention')).toMatchObject({ tracesDays: null, bodiesDays: 400 })
  await section.getByRole('button', { name: 'Take theirs' }).click()
  await expect(section.getByRole('spinbutton', { name: 'Bodies of calls, in days' })).toHaveValue('400')
  await expect(traces).toHaveValue('')

  expect((await set(300)).status).toBe(200)
  await traces.fill('3650')
  await section.getByRole('button', { name: 'Save' }).click()
  await expect(section.getByRole('alert')).toContainText(/Bodies of calls, in days is now:\s*300/)
  await section.getByRole('button', { name: 'Save mine over it' }).click()
  await expect(section.getByRole('alert')).toHaveCount(0)
  expect(await client.get('/orgs/current/retention'), 'what was not touched is left as the other has set it').toMatchObject({ tracesDays: 3650, bodiesDays: 300 })
  await expect(section.getByRole('spinbutton', { name: 'Bodies of calls, in days' })).toHaveValue('300')
  expect((await set(null)).status).toBe(200)
})

test('who runs no organisation sees who is in it, and of nobody how they sign in', async ({ browser, page, client, loom, viewport, isMobile }) => {
  const email = `reads-${isMobile ? 'phone' : 'desktop'}@example.com`
  const { token } = CreatedInvitation.parse(await client.post('/orgs/current/invitations', { email, role: 'member' }))
  const signIns = (of: Page) => of.getByRole('columnheader', { name: /Two-factor|Last login|Sessions/, includeHidden: true })
  await page.goto('/dashboard/members')
  await expect(signIns(page)).toHaveCount(3)

  const theirs = await (await browser.newContext({ baseURL: loom.url, viewport, storageState: { cookies: [], origins: [] } })).newPage()
  await theirs.request.post(`/api/invitations/${token}/accept`, { data: { name: 'Rita', password: PASSWORD }, headers: { origin: loom.url } })
  await theirs.goto('/dashboard/members')
  await expect(theirs.getByRole('row', { name: /Ada/ })).toBeVisible()
  await expect(signIns(theirs)).toHaveCount(0)
  await theirs.goto(`/dashboard/members?search=${encodeURIComponent(email)}`)
  await expect(theirs.getByRole('row', { name: /Rita/ })).toBeVisible()
  await expect(signIns(theirs), 'of themselves alone').toHaveCount(0)
  await theirs.screenshot({ path: `.cache/test/shots/members-read-${theirs.viewportSize()?.width}.png` })
  await theirs.context().close()
  expect(MemberPage.parse(await client.get('/orgs/current/members')).members.every(({ signIn }) => signIn !== null)).toBe(true)
})

test('of two who say what somebody may do in a project, the later is told who was faster, and overwrites nothing', async ({ page, client, loom, isMobile }) => {
  const name = `weaver-${isMobile ? 'phone' : 'desktop'}`
  await join(await administrator(loom), `${name}@example.com`, 'member')
  const { members: [member] } = MemberPage.parse(await client.get(`/orgs/current/members?search=${name}`))
  const { id } = Project.parse(await client.post('/projects', { name: `Shared with ${name}` }))
  const path = `/projects/${id}/members/${member?.userId}`
  const named = async () => ProjectMemberPage.parse(await client.get(`/projects/${id}/members`)).members.map(({ role }) => role)
  const told = page.getByText('Ada changed this since you opened it.')
  await page.goto(`/projects/${id}`)
  const section = page.getByRole('region', { name: 'Members' })
  const role = section.getByRole('combobox', { name: `What ${name} may do` })

  expect((await client.call('PUT', path, { role: 'viewer' })).status).toBe(200)
  await section.getByRole('button', { name: 'Add a member' }).click()
  await page.getByRole('option', { name }).click()
  await expect(told.first()).toBeVisible()
  await expect(role).toHaveText('Reads')
  expect(await named()).toEqual(['viewer'])

  // What else follows from a change is on its way still when the next is made.
  const held = Promise.withResolvers<undefined>()
  await page.route(/\/api\/projects(?:\?|$)/, async (route) => {
    await held.promise
    await route.continue()
  }, { times: 1 })
  await role.click()
  await page.getByRole('option', { name: 'Reads and writes' }).click()
  await expect.poll(named).toEqual(['editor'])
  await expect(role).toHaveText('Reads and writes')
  expect((await client.call('DELETE', path)).status).toBe(204)
  await role.click()
  await page.getByRole('option', { name: 'Reads', exact: true }).click()
  await expect(section.getByText('Nobody is named yet.')).toBeVisible()
  held.resolve(undefined)
  expect(await named()).toEqual([])
  await client.call('DELETE', `/projects/${id}`)
})

test('who takes somebody out of a project is asked first, and told what that means', async ({ page, client, loom, isMobile }) => {
  const name = `leaver-${isMobile ? 'phone' : 'desktop'}`
  await join(await administrator(loom), `${name}@example.com`, 'member')
  const { members: [member] } = MemberPage.parse(await client.get(`/orgs/current/members?search=${name}`))
  const { id } = Project.parse(await client.post('/projects', { name: `Left by ${name}` }))
  await client.call('PATCH', `/projects/${id}`, { access: 'members' })
  await client.call('PUT', `/projects/${id}/members/${member?.userId}`, { role: 'viewer' })
  await page.goto(`/projects/${id}`)
  const section = page.getByRole('region', { name: 'Members' })
  const role = section.getByRole('combobox', { name: `What ${name} may do` })
  const dialog = page.getByRole('dialog')
  await section.getByRole('button', { name: `Take ${name} out` }).click()
  await expect(dialog).toContainText('They can no longer open it')
  await dialog.getByRole('button', { name: 'Cancel' }).click()
  await expect(dialog).toBeHidden()
  await expect(role).toBeVisible()
  await section.getByRole('button', { name: `Take ${name} out` }).click()
  await dialog.getByRole('button', { name: 'Take out' }).click()
  await expect(role).toHaveCount(0)
  await client.call('DELETE', `/projects/${id}`)
})

test('of two who change a user, the later is told who was faster, and sees them as they are', async ({ page, client, loom, isMobile }) => {
  const name = `promoted-${isMobile ? 'phone' : 'desktop'}`
  await join(await administrator(loom), `${name}@example.com`, 'member')
  const { items: [user] } = PlatformUserPage.parse(await client.get(`/platform/users?search=${name}`))
  await page.goto(`/dashboard/platform/users?search=${name}`)
  const row = page.getByRole('row', { name: new RegExp(name) })
  const open = () => row.getByRole('button', { name: `Actions for ${name}` }).click()
  const deactivate = async () => {
    await open()
    await page.getByRole('menuitem', { name: 'Deactivate' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Deactivate' }).click()
  }
  expect((await client.call('PATCH', `/platform/users/${user?.id}`, { role: 'admin' })).status).toBe(200)
  await deactivate()
  await expect(page.getByText('Ada changed this since you opened it.').first()).toBeVisible()
  await open()
  await expect(page.getByRole('menuitem', { name: 'Take platform admin away' })).toBeVisible()
  await page.keyboard.press('Escape')
  await expect(page.getByRole('menu')).toHaveCount(0)
  await expect(row).not.toContainText('deactivated')
  await deactivate()
  await expect(row).toContainText('deactivated')
})

test('what cannot be taken back needs the name typed', async ({ page }) => {
  await page.goto('/dashboard/settings')
  await page.getByRole('button', { name: 'Delete organisation' }).click()
  const dialog = page.getByRole('dialog')
  await expect(dialog.getByRole('button', { name: 'Delete organisation' })).toBeDisabled()
  await dialog.getByRole('textbox').fill('something else')
  await expect(dialog.getByRole('button', { name: 'Delete organisation' })).toBeDisabled()
  await page.keyboard.press('Escape')
  await expect(dialog).toBeHidden()
})

test('a platform admin makes an organisation, deactivates it, deletes, restores and purges it', async ({ page, isMobile }) => {
  const name = `Tenant ${isMobile ? 'phone' : 'desktop'}`
  await page.goto('/dashboard/platform/orgs')
  await page.getByRole('button', { name: 'New organisation' }).click()
  await page.getByRole('textbox', { name: 'Name', exact: true }).fill(name)
  await page.getByLabel('Owner’s email').fill('founder@example.com')
  await page.getByRole('button', { name: 'Make organisation' }).click()
  await expect(page.getByRole('status', { name: 'Invitation link' })).toContainText('/invite/')
  await page.getByRole('button', { name: 'I have copied it' }).click()
  const row = page.getByRole('row', { name: new RegExp(name) })
  const act = async (action: string) => {
    await row.getByRole('button', { name: `Actions for ${name}` }).click()
    await page.getByRole('menuitem', { name: action }).click()
  }
  await act('Deactivate')
  await page.getByRole('dialog').getByRole('button', { name: 'Deactivate' }).click()
  await expect(row).toContainText('inactive')
  await act('Delete')
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click()
  await expect(row).toContainText('deleted')
  await act('Restore')
  await expect(row).toContainText('inactive')
  await act('Delete')
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click()
  await expect(row).toContainText('deleted')
  await act('Purge')
  const slug = await page.getByRole('dialog').locator('code').innerText()
  await page.getByRole('dialog').getByRole('textbox').fill(slug)
  await page.getByRole('dialog').getByRole('button', { name: 'Purge for good' }).click()
  await expect(row).toHaveCount(0)
})
