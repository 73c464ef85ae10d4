import type { Page, Route } from '@playwright/test'
import { CreatedInvitation, MemberPage } from '../../shared/identity'
import { MessagePage } from '../../shared/messages'
import { Project } from '../../shared/projects'
import { textOf } from '../support/chat-client'
import { PASSWORD } from '../support/visitor'
import { ChatPage } from './chat-page'
import { expect, test, waitUntilAlive } from './fixtures'

const messages = /\/api\/conversations\/[^/]+\/messages$/
const temporary = /\/api\/projects\/[^/]+\/temporary$/

/** What `work` makes the page send there first is answered by nobody; `withhold` sees it before. */
async function hold(page: Page, url: RegExp, work: () => Promise<void>, withhold: (route: Route) => Promise<unknown> = () => Promise.resolve()) {
  const held = Promise.withResolvers<true>()
  let isFirst = true
  await page.route(url, async (route) => {
    if (route.request().method() !== 'POST' || !isFirst) return route.continue()
    isFirst = false
    await withhold(route)
    held.resolve(true)
  })
  await work()
  await held.promise
}

test('a message that a reload cuts off on its way goes out all the same, once', async ({ page, client }) => {
  const chat = new ChatPage(page)
  await chat.openNew()
  await chat.send('First')
  await chat.settled()
  await hold(page, messages, () => chat.send('Cut off before it arrived'))
  await page.reload()
  await expect(chat.answers().last()).toContainText('You said: Cut off before it arrived')
  await chat.settled()
  await expect(chat.message()).toHaveValue('')

  await hold(page, messages, () => chat.send('Cut off after it arrived'), route => route.fetch())
  await page.reload()
  await expect(chat.answers().last()).toContainText('You said: Cut off after it arrived')
  await chat.settled()
  // Nothing is on its way any more.
  await expect.poll(() => page.evaluate(() => Object.keys(localStorage).filter(key => key.startsWith('loom:queue:')))).toEqual([])
  await expect(chat.log().getByRole('article', { name: 'You' }).filter({ hasText: 'Cut off after it arrived' })).toHaveCount(1)
  await expect(chat.message()).toHaveValue('')
  const stored = MessagePage.parse(await client.get(`/conversations/${page.url().split('/').at(-1)}/messages`)).messages
  expect(stored.filter(({ role }) => role === 'user').map(textOf)).toEqual(['First', 'Cut off before it arrived', 'Cut off after it arrived'])
})

test('a first message that a reload cuts off before its conversation is made comes back as a draft', async ({ page }) => {
  const chat = new ChatPage(page)
  const conversations = /\/api\/projects\/[^/]+\/conversations$/
  await chat.openNew()
  await hold(page, conversations, () => chat.send('Not even begun'))
  await expect(chat.message()).toHaveValue('')
  await page.reload()
  await expect(chat.message()).toHaveValue('Not even begun')
  await page.getByRole('button', { name: 'Send' }).click()
  await expect(await chat.settled()).toContainText('You said: Not even begun')
  await chat.openNew()
  await expect(chat.message()).toHaveValue('')
})

test('a first message that a reload cuts off on the way to its conversation\'s page goes out from there, once', async ({ page, client }) => {
  const chat = new ChatPage(page)
  await chat.openNew()
  // Once its address is the conversation's, the page comes no further.
  await page.evaluate(() => {
    const push = history.pushState.bind(history)
    history.pushState = (...parameters) => {
      push(...parameters)
      setTimeout(() => {
        Storage.prototype.setItem = Storage.prototype.removeItem = () => undefined
        window.fetch = () => new Promise(() => undefined)
        Reflect.set(window, 'stopped', true)
      })
    }
  })
  await chat.send('Nearly there')
  await page.waitForFunction(() => Reflect.get(window, 'stopped') === true)
  await page.reload()
  await expect(chat.answers()).toHaveCount(1)
  await expect(await chat.settled()).toContainText('You said: Nearly there')
  await expect.poll(() => page.evaluate(() => Object.keys(localStorage).filter(key => key.startsWith('loom:queue:')))).toEqual([])
  const { messages: stored } = MessagePage.parse(await client.get(`/conversations/${page.url().split('/').at(-1)}/messages`))
  expect(stored.filter(({ role }) => role === 'user').map(textOf)).toEqual(['Nearly there'])
})

for (const [locks, where] of [[true, ''], [false, ', on a page that came without TLS, too']] as const) test(`what waits in one tab is left to it by others, until it is closed${where}`, async ({ page, context, mock }) => {
  expect(mock.url).toBeTruthy()
  // Browsers have them over TLS, and on this machine.
  if (!locks) await context.addInitScript(() => Reflect.deleteProperty(Navigator.prototype, 'locks'))
  const [first, other] = [new ChatPage(await context.newPage()), new ChatPage(page)]
  await first.page.goto('/projects')
  expect(await first.page.evaluate(() => 'locks' in navigator)).toBe(locks)
  await first.openNew('stalling')
  await first.send('This one takes its time')
  await expect(first.answers()).toContainText('The loom is warped')
  await first.message().fill('Mine to send')
  await first.page.getByRole('button', { name: 'Send after this answer' }).click()
  await expect(first.page.getByText('Sent after this answer')).toBeVisible()

  await other.page.goto(first.page.url())
  await expect(other.stopButton()).toBeVisible()
  await other.stopButton().click()
  await first.settled('aborted')
  await expect(first.message()).toHaveValue('Mine to send')
  await other.settled('aborted')
  await expect(other.message()).toHaveValue('')

  await first.send('And again')
  await expect(first.answers().last()).toContainText('The loom is warped')
  await first.message().fill('For whoever comes')
  await first.page.getByRole('button', { name: 'Send after this answer' }).click()
  await expect(first.page.getByText('Sent after this answer')).toBeVisible()
  await first.page.close()
  await other.page.reload()
  await expect(other.message()).toHaveValue('For whoever comes')
  await other.stopButton().click()
  await other.settled('aborted')
})

test('a refused message comes back to the composer when another is sent in its place', async ({ page, mock }) => {
  expect(mock.url).toBeTruthy()
  const chat = new ChatPage(page)
  await chat.openNew('brief')
  await chat.send('First')
  await chat.settled()
  await page.route(messages, route => route.fulfill({ status: 503, json: { error: { code: 'service_unavailable', message: 'Loom is stopping.', param: null } } }))
  await chat.send('Refused')
  await expect(page.getByRole('alert')).toContainText('Loom is stopping.')
  await page.unroute(messages)
  await chat.send('Sent instead')
  await expect(chat.answers()).toHaveCount(2)
  await chat.settled()
  await expect(chat.message()).toHaveValue('Refused')
})

test('a temporary chat gives back what was refused, to be edited or when another goes in its place', async ({ page, mock }) => {
  const chat = new ChatPage(page)
  await chat.openTemporary('brief')
  await page.route(temporary, route => route.fulfill({ status: 503, json: { error: { code: 'service_unavailable', message: 'Loom is stopping.', param: null } } }))
  await chat.send('Refused at first')
  await expect(page.getByRole('alert')).toContainText('Loom is stopping.')
  await chat.message().fill('And one more thing')
  await page.getByRole('button', { name: 'Edit', exact: true }).click()
  await expect(chat.message()).toHaveValue('Refused at first\n\nAnd one more thing')
  await expect(page.getByRole('alert')).toHaveCount(0)
  await page.screenshot({ path: `.cache/test/shots/temporary-edited-${page.viewportSize()?.width}.png` })

  await chat.send('Refused again')
  await expect(page.getByRole('alert')).toContainText('Loom is stopping.')
  await page.unroute(temporary)
  await chat.send('Sent instead')
  await chat.settled()
  await expect(chat.message()).toHaveValue('Refused again')
  expect(mock.requests.at(-1)?.json).toMatchObject({ messages: [{ content: 'Sent instead' }] })
})

test('a temporary chat gives back what was stopped before it arrived', async ({ page, mock }) => {
  expect(mock.url).toBeTruthy()
  const chat = new ChatPage(page)
  await chat.openTemporary('brief')
  await hold(page, temporary, () => chat.send('Never on its way'))
  await chat.message().fill('And one more thing')
  await chat.stopButton().click()
  await expect(chat.message()).toHaveValue('Never on its way\n\nAnd one more thing')
  await page.getByRole('button', { name: 'Send' }).click()
  await chat.settled()
  await expect(chat.log().getByRole('article', { name: 'You' })).toHaveText([/Never on its way\s+And one more thing/])
})

test('a message sent in one page takes no draft of another', async ({ page, context }) => {
  const [chat, other] = [new ChatPage(page), new ChatPage(await context.newPage())]
  await chat.openNew()
  await chat.send('First')
  await chat.settled()
  waitUntilAlive(other.page)
  await other.page.goto(page.url())
  await other.ready()
  await chat.message().fill('Long in the making')
  await other.send('Sent meanwhile')
  await expect(other.answers().last()).toContainText('You said: Sent meanwhile')
  await other.settled()
  await expect(other.message()).toHaveValue('')
  await page.reload()
  await expect(chat.message()).toHaveValue('Long in the making')

  // To another page and back, without a reload.
  await other.send('And once more')
  await expect(other.answers().last()).toContainText('You said: And once more')
  await other.settled()
  await page.getByRole('main').getByRole('link', { name: 'New chat' }).click()
  await expect(page).toHaveURL(/\/c\/new$/)
  await page.goBack()
  await expect(chat.message()).toHaveValue('Long in the making')

  // Who had only found it leaves what was made of it since, and what was sent comes back to nobody.
  await other.page.reload()
  await expect(other.message()).toHaveValue('Long in the making')
  await chat.message().fill('Long in the making, and longer')
  const address = page.url()
  for (const leaving of [page, other.page]) await leaving.goto('/projects')
  await page.goto(address)
  await expect(chat.message()).toHaveValue('Long in the making, and longer')
  await chat.message().fill('Long in the making')
  await other.page.goto(address)
  await expect(other.message()).toHaveValue('Long in the making')
  await page.getByRole('button', { name: 'Send' }).click()
  await expect(chat.answers().last()).toContainText('You said: Long in the making')
  await chat.settled()
  await expect(other.message()).toHaveValue('')
  await other.page.reload()
  await other.ready()
  await expect(other.message()).toHaveValue('')
  await other.page.close()
})

test('what waits when somebody is made a reader comes back once they may write again', async ({ browser, client, loom, mock, viewport }) => {
  expect(mock.url).toBeTruthy()
  const project = Project.parse(await client.post('/projects', { name: 'For a while' }))
  const email = `reader-${crypto.randomUUID()}@example.com`
  const { token } = CreatedInvitation.parse(await client.post('/orgs/current/invitations', { email, role: 'member' }))
  const page = await (await browser.newContext({ baseURL: loom.url, viewport, storageState: { cookies: [], origins: [] } })).newPage()
  waitUntilAlive(page)
  await page.request.post(`/api/invitations/${token}/accept`, { data: { name: 'Vera', password: PASSWORD }, headers: { origin: loom.url } })
  const { members: [member] } = MemberPage.parse(await client.get(`/orgs/current/members?search=${email}`))
  const beIn = (role: string) => client.call('PUT', `/projects/${project.id}/members/${member?.userId}`, { role })

  const chat = new ChatPage(page)
  await page.goto(`/projects/${project.id}/c/new`)
  await chat.ready()
  await chat.chooseModel('stalling')
  await chat.send('This one takes its time')
  await expect(chat.answers()).toContainText('The loom is warped')
  await chat.message().fill('For later')
  await page.getByRole('button', { name: 'Send after this answer' }).click()
  await expect(page.getByText('Sent after this answer')).toBeVisible()
  const left = await page.evaluate(() => Object.keys(localStorage).find(key => key.startsWith('loom:queue:')) ?? '')

  expect(await beIn('viewer')).toMatchObject({ status: 200 })
  await client.call('PATCH', `/projects/${project.id}`, { access: 'members' })
  await page.reload()
  await expect(page.getByText('You can read this conversation.')).toBeVisible()
  // After whatever the page does under it.
  await page.evaluate(name => navigator.locks.request(name, () => undefined), left)
  await beIn('editor')
  await page.reload()
  await expect(chat.message()).toHaveValue('For later')
  await chat.stopButton().click()
  await chat.settled('aborted')
  await page.context().close()
  await client.call('DELETE', `/projects/${project.id}`)
})

test('a draft of a new chat stays with its project', async ({ page, client }) => {
  const chat = new ChatPage(page)
  await chat.openNew()
  const address = page.url()
  await chat.message().fill('About this project alone')
  const project = Project.parse(await client.post('/projects', { name: 'Another loom' }))
  await page.goto(`/projects/${project.id}/c/new`)
  await chat.ready()
  await expect(chat.message()).toHaveValue('')
  await page.goto(address)
  await expect(chat.message()).toHaveValue('About this project alone')
  await client.call('DELETE', `/projects/${project.id}`)
})
