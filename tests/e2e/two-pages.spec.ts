import { Conversation } from '../../shared/conversations'
import { MessagePage } from '../../shared/messages'
import { Project } from '../../shared/projects'
import type { ChatClient } from '../support/chat-client'
import { textOf } from '../support/chat-client'
import { ChatPage } from './chat-page'
import { expect, test, waitUntilAlive } from './fixtures'

test('a page that only stands there shows what is asked in another, follows the answer as it is written, and can stop it', async ({ page, context, mock }) => {
  expect(mock.url).toBeTruthy()
  const [asking, idle] = [new ChatPage(page), new ChatPage(await context.newPage())]
  await asking.openNew('brief')
  await asking.send('Before')
  await asking.settled()
  waitUntilAlive(idle.page)
  await idle.page.goto(page.url())
  await idle.settled()
  await idle.message().fill('A draft of mine')

  await asking.chooseModel('stalling')
  await asking.send('Asked over there')
  await expect(idle.log()).toContainText('Asked over there')
  await expect(idle.answers().last()).toContainText('The loom is warped')
  await expect(idle.answers().last()).toHaveAttribute('data-status', 'streaming')
  await expect(idle.message()).toHaveValue('A draft of mine')
  await idle.stopButton().click()
  await asking.settled('aborted')
  await idle.settled('aborted')

  // A quick one, too, and from the other side.
  await idle.chooseModel('brief')
  await idle.send('And over here')
  await idle.settled()
  await expect(asking.log()).toContainText('And over here')
  await asking.settled()
  for (const chat of [asking, idle]) {
    await expect(chat.answers()).toHaveCount(3)
    await expect(chat.log().getByText('Asked over there', { exact: true })).toHaveCount(1)
  }
  await idle.page.close()
})

async function begin(client: ChatClient, projectId: string, title: string): Promise<Conversation> {
  const conversation = Conversation.parse(await client.post(`/projects/${projectId}/conversations`, { title, model: 'brief' }))
  await client.readAll('POST', `/conversations/${conversation.id}/messages`, { text: 'Hello' })
  return conversation
}

test('a question follows what its page shows, whichever version another page has turned to', async ({ page, context, client, mock }) => {
  expect(mock.url).toBeTruthy()
  const { id: projectId } = Project.parse(await client.post('/projects', { name: 'Two versions' }))
  const { id } = await begin(client, projectId, 'Versions')
  await client.readAll('POST', `/conversations/${id}/messages`, { text: 'Hello, otherwise', parentId: null })
  const [asking, turning] = [new ChatPage(page), new ChatPage(await context.newPage())]
  waitUntilAlive(turning.page)
  for (const chat of [asking, turning]) {
    await chat.page.goto(`/projects/${projectId}/c/${id}`)
    await expect(chat.log()).toContainText('Hello, otherwise')
  }
  await turning.page.getByRole('button', { name: 'Previous version' }).click()
  await expect(turning.log().getByText('Hello', { exact: true })).toBeVisible()

  await asking.send('And then?')
  await expect(asking.answers()).toHaveCount(2)
  await asking.settled()
  await expect(asking.log()).toContainText('Hello, otherwise')
  const { messages } = MessagePage.parse(await client.get(`/conversations/${id}/messages`))
  expect(messages.filter(({ role }) => role === 'user').map(textOf)).toEqual(['Hello, otherwise', 'And then?'])
  await turning.page.close()
})

test('the sidebar tells what is answered elsewhere and what was not seen yet, on every device alike', async ({ page, browser, client, loom, storageState, mock, isMobile }) => {
  test.skip(isMobile, 'the sidebar stands beside the page only on a desktop')
  expect(mock.url).toBeTruthy()
  const { id: projectId } = Project.parse(await client.post('/projects', { name: 'Two devices' }))
  const [watched, open] = [await begin(client, projectId, 'Watched'), await begin(client, projectId, 'Open')]
  const path = ({ id }: Conversation) => `/projects/${projectId}/c/${id}`
  const linkOn = (device: typeof page, mark: string) => device.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: `Watched${mark}`, exact: true })

  const seen = page.waitForResponse(response => response.url().endsWith(`/conversations/${watched.id}/seen`))
  await page.goto(path(watched))
  expect((await seen).ok()).toBe(true)
  await page.goto(path(open))
  await expect(linkOn(page, '')).toBeVisible()

  const leave = new AbortController()
  await client.fetch('POST', `/conversations/${watched.id}/messages`, { text: 'Meanwhile', model: 'stalling' }, leave.signal)
  leave.abort()
  await expect(linkOn(page, ' , being answered')).toBeVisible()
  await client.post(`/conversations/${watched.id}/stop`)
  await expect(linkOn(page, ' , unread')).toBeVisible()

  const second = await (await browser.newContext({ storageState, baseURL: loom.url, viewport: { width: 1440, height: 900 } })).newPage()
  waitUntilAlive(second)
  await second.goto(path(open))
  await expect(linkOn(second, ' , unread')).toBeVisible()
  await linkOn(second, ' , unread').click()
  await new ChatPage(second).settled('aborted')
  await expect(linkOn(page, '')).toBeVisible()
  await second.context().close()
})

test('a page tells what it has seen: how far it stands, once, at the end of an answer, and while somebody looks at it', async ({ page, client, mock }) => {
  expect(mock.url).toBeTruthy()
  const { id: projectId } = Project.parse(await client.post('/projects', { name: 'What was seen' }))
  const { id } = await begin(client, projectId, 'Seen')
  const told: unknown[] = []
  page.on('request', (request) => {
    if (request.url().endsWith(`/conversations/${id}/seen`)) told.push(request.postDataJSON())
  })
  const now = async () => ({ upTo: Conversation.parse(await client.get(`/conversations/${id}`)).lastActiveAt })
  const setVisibility = (state: DocumentVisibilityState) => page.evaluate((value) => {
    Object.defineProperty(document, 'visibilityState', { value, configurable: true })
    document.dispatchEvent(new Event('visibilitychange'))
  }, state)
  const chat = new ChatPage(page)

  await page.goto(`/projects/${projectId}/c/${id}`)
  await chat.ready()
  const opened = await now()
  await expect.poll(() => told).toMatchObject([opened])

  await chat.chooseModel('stalling')
  await chat.send('Go on')
  await expect(chat.answers().last()).toContainText('The loom is warped')
  expect(told, 'an answer being written is seen at its end').toHaveLength(1)
  await chat.stopButton().click()
  await chat.settled('aborted')
  const answered = await now()
  const answersBefore = await chat.answers().count()
  await expect.poll(() => told).toMatchObject([opened, answered])

  await chat.send('Go on again')
  await expect(chat.answers()).toHaveCount(answersBefore + 1)
  await expect(chat.answers().last()).toContainText('The loom is warped')
  await setVisibility('hidden')
  await client.post(`/conversations/${id}/stop`)
  await chat.settled('aborted')
  expect(told, 'nobody looks').toHaveLength(2)
  await setVisibility('visible')
  const newest = await now()
  await expect.poll(() => told).toMatchObject([opened, answered, newest])
})

test('what could not be told to be seen is known to the page all the same', async ({ page, client, mock, isMobile }) => {
  test.skip(isMobile, 'the sidebar stands beside the page only on a desktop')
  expect(mock.url).toBeTruthy()
  const { id: projectId } = Project.parse(await client.post('/projects', { name: 'Not told' }))
  const [seen, other] = [await begin(client, projectId, 'Seen here'), await begin(client, projectId, 'Other')]
  await client.call('PUT', `/conversations/${seen.id}/seen`, { upTo: new Date(0).toJSON() })
  const link = (mark: string) => page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: `Seen here${mark}`, exact: true })
  await page.route(`**/api/conversations/${seen.id}/seen`, route => route.fulfill({ status: 503 }))
  await page.goto(`/projects/${projectId}/c/${other.id}`)
  const refused = page.waitForResponse(response => response.url().endsWith(`/conversations/${seen.id}/seen`))
  await link(' , unread').click()
  expect((await refused).status()).toBe(503)
  await expect(link('')).toBeVisible()
  await expect(page.getByRole('alert')).toHaveCount(0)
})
