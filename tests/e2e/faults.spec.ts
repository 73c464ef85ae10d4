import { Conversation } from '../../shared/conversations'
import { MessagePage } from '../../shared/messages'
import { CreatedInvitation } from '../../shared/identity'
import { ProjectPage } from '../../shared/projects'
import { startLoomServer } from '../support/loom-server'
import { mockModel } from '../support/mock-upstream/behaviour'
import { startMockUpstream } from '../support/mock-upstream'
import { ChatClient, textOf } from '../support/chat-client'
import { setUpLoom } from '../support/set-up-loom'
import { ChatPage } from './chat-page'
import { expect, test, waitUntilAlive } from './fixtures'

test('the network goes in the middle of an answer and comes back: nothing is missing', async ({ page, context, mock }) => {
  expect(mock.url).toBeTruthy()
  const chat = new ChatPage(page)
  await chat.openNew('long')
  await chat.send('Tell me everything')
  await expect(chat.answers()).toContainText('Line 5:')
  await context.setOffline(true)
  await expect(page.getByText('You are offline')).toBeVisible()
  await context.setOffline(false)
  await expect(page.getByText('You are offline')).toHaveCount(0)
  const answer = await chat.settled()
  for (const line of [1, 30, 60]) await expect(answer).toContainText(`Line ${line}: `)
  await expect(chat.answers()).toHaveCount(1)
})

test('a browser that takes itself for offline reads an answer to its end after a reload', async ({ page, mock }) => {
  expect(mock.url).toBeTruthy()
  const chat = new ChatPage(page)
  await chat.openNew('long')
  await chat.send('Tell me everything')
  await expect(chat.answers()).toContainText('Line 5:')
  await page.addInitScript(() => Object.defineProperty(navigator, 'onLine', { get: () => false }))
  await page.reload()
  await expect(await chat.settled()).toContainText('Line 60: ')
})

test('what is sent without a network is kept over a reload, and goes out once when it is back', async ({ page, context, mock }) => {
  expect(mock.url).toBeTruthy()
  const chat = new ChatPage(page)
  await chat.openNew('brief')
  await chat.send('While all is well')
  await chat.settled()
  await context.setOffline(true)
  await chat.send('Into the void')
  await expect(page.getByRole('alert').filter({ hasText: 'was not sent' })).toBeVisible()
  await context.setOffline(false)
  await expect(chat.answers()).toHaveCount(2)
  await chat.settled()
  await expect(chat.log().getByText('Into the void')).toHaveCount(1)
  await page.reload()
  await chat.settled()
  await expect(chat.log().getByText('Into the void')).toHaveCount(1)
  await expect(chat.message()).toHaveValue('')
})

test('the server dies in the middle of an answer and starts again: what was said stays, and it can be asked again', async ({ browser }) => {
  const mock = await startMockUpstream()
  const loom = await startLoomServer({ env: { OPENAI_API_KEY: 'sk-mock', OPENAI_BASE_URL: mock.baseUrl, NEW_ORG_WALLET: 'unlimited' } })
  const session = await setUpLoom(loom)
  const client = new ChatClient(loom, session)
  const [project] = ProjectPage.parse(await client.get('/projects')).projects
  const model = `openai/${mockModel({ chunks: 100, chunkIntervalMs: 100 })}`
  const conversation = Conversation.parse(await client.post(`/projects/${project?.id}/conversations`, { model }))
  const context = await browser.newContext({ baseURL: loom.url })
  await context.addCookies(session.cookie.split('; ').map(pair => ({ name: pair.slice(0, pair.indexOf('=')), value: pair.slice(pair.indexOf('=') + 1), domain: '127.0.0.1', path: '/' })))
  const page = await context.newPage()
  await page.goto(`/projects/${conversation.projectId}/c/${conversation.id}`)
  const chat = new ChatPage(page)
  await chat.ready()
  await chat.send('Survive this')
  // What is said is written a tenth of a second later at most while the database is well: by then, the first words are.
  await expect(chat.answers()).toContainText('w20 ')
  await loom.kill9()
  await loom.start()
  const answer = await chat.settled('error')
  await expect(answer).toContainText('w5 ')
  await expect(answer.getByRole('alert')).toContainText('Retry it')
  await expect(answer.getByRole('button', { name: 'Answer again' })).toBeEnabled()
  await context.close()
  await loom.remove()
  await mock.stop()
})

test('two tabs write in one conversation, and one hears nothing of the other: it is told to wait, and then both see one thread', async ({ page, context, mock }) => {
  expect(mock.url).toBeTruthy()
  const [first, other] = [new ChatPage(page), new ChatPage(await context.newPage())]
  await first.openNew('brief')
  await first.send('From the first tab')
  await first.settled()
  waitUntilAlive(other.page)
  await other.page.route('**/changes?*', route => route.abort())
  await other.page.goto(page.url())
  await other.settled()
  await first.chooseModel('stalling')
  await first.send('This one takes its time')
  await expect(first.answers().last()).toContainText('The loom is warped')
  await other.send('Me too')
  await expect(other.page.getByRole('alert')).toContainText('An answer is still being written')
  await first.stopButton().click()
  await first.settled('aborted')
  await other.page.getByRole('button', { name: 'Try again' }).click()
  await expect(other.log()).toContainText('This one takes its time')
  await expect(other.log().getByText('Me too')).toHaveCount(1)
  await expect(other.answers()).toHaveCount(3)
  await other.page.close()
})

test('fifty sends at once into one conversation make one answer and forty-nine clear refusals', async ({ client, mock }) => {
  expect(mock.url).toBeTruthy()
  const [project] = ProjectPage.parse(await client.get('/projects')).projects
  const { id } = Conversation.parse(await client.post(`/projects/${project?.id}/conversations`, { model: 'stalling' }))
  const statuses = await Promise.all(Array.from({ length: 50 }, async (_, send) => {
    const leave = new AbortController()
    const response = await client.fetch('POST', `/conversations/${id}/messages`, { text: `Rush ${send}` }, leave.signal)
    leave.abort()
    return response.status
  }))
  expect(statuses.toSorted()).toEqual([200, ...Array.from({ length: 49 }, () => 409)])
  await client.post(`/conversations/${id}/stop`)
  const { messages } = MessagePage.parse(await client.get(`/conversations/${id}/messages`))
  expect(messages.map(({ role }) => role)).toEqual(['user', 'assistant'])
})

test('an answer of five megabytes is shown and kept to its end, and the page stays usable meanwhile', async ({ page, mock, client }) => {
  expect(mock.url).toBeTruthy()
  const chat = new ChatPage(page)
  await chat.openNew('flood')
  await chat.send('Drown me')
  await expect(chat.answers()).toContainText('Drop 1.')
  await chat.message().fill('I can still write')
  await expect(chat.message()).toHaveValue('I can still write')
  const answer = await chat.settled()
  await expect(answer).toContainText('The last drop.')
  const { messages } = MessagePage.parse(await client.get(`/conversations/${page.url().split('/').at(-1)}/messages`))
  expect(textOf(messages.at(-1)).length).toBeGreaterThan(5_000_000)
  await page.reload()
  await expect(await chat.settled()).toContainText('The last drop.')
})

test('ten thousand tiny pieces a second are all there at the end', async ({ page, mock, client }) => {
  expect(mock.url).toBeTruthy()
  const chat = new ChatPage(page)
  await chat.openNew('drizzle')
  await chat.send('Drizzle')
  const answer = await chat.settled()
  await expect(answer).toContainText('w19999')
  const id = page.url().split('/').at(-1)
  const { messages } = MessagePage.parse(await client.get(`/conversations/${id}/messages`))
  expect(textOf(messages.at(-1))).toHaveLength(20_000 * 7)
})

test('a viewer reads a conversation and is not offered to write', async ({ browser, client, loom, mock }) => {
  expect(mock.url).toBeTruthy()
  const [project] = ProjectPage.parse(await client.get('/projects')).projects
  const conversation = Conversation.parse(await client.post(`/projects/${project?.id}/conversations`, { model: 'brief' }))
  await client.readAll('POST', `/conversations/${conversation.id}/messages`, { text: 'Only look' })
  const email = `viewer-${crypto.randomUUID()}@example.com`
  const { token } = CreatedInvitation.parse(await client.post('/orgs/current/invitations', { email, role: 'viewer' }))
  const page = await (await browser.newContext({ baseURL: loom.url, storageState: { cookies: [], origins: [] } })).newPage()
  await page.request.post(`/api/invitations/${token}/accept`, { data: { name: 'Vera', password: 'a third correct horse' }, headers: { origin: loom.url } })
  await page.goto(`/projects/${conversation.projectId}/c/${conversation.id}`)
  await expect(page.getByRole('log')).toContainText('Only look')
  await expect(page.getByText('You can read this conversation.')).toBeVisible()
  await expect(page.getByRole('textbox', { name: 'Message', exact: true })).toHaveCount(0)
  await page.context().close()
})
