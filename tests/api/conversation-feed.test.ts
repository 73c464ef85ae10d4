import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import type { ConversationChange } from '../../shared/conversation-changes'
import { Conversation, ConversationPage } from '../../shared/conversations'
import { Project, ProjectPage } from '../../shared/projects'
import { ChatClient } from '../support/chat-client'
import type { ChatWorkbench } from '../support/chat-workbench'
import { quickModel, slowModel, startChatWorkbench } from '../support/chat-workbench'
import { followChanges } from '../support/follow-changes'
import { admin } from '../support/set-up-loom'
import { join, signInAs, signUp } from '../support/visitor'

let workbench: ChatWorkbench
let ada: ChatClient
/** Reads what Ada's organisation has. */
let vera: ChatClient

beforeAll(async () => {
  // A stop that had to wait for who only listens would take longer than any test.
  workbench = await startChatWorkbench({ SHUTDOWN_TIMEOUT_MS: '600000' })
  ada = workbench.ada
  const { cookie } = await join(await signInAs(workbench.loom, admin.email, admin.password), 'vera@example.com', 'viewer')
  vera = new ChatClient(workbench.loom, { cookie })
})
afterAll(() => workbench?.remove())

const makeProject = async () => Project.parse(await ada.post('/projects', { name: 'Watched' }))
const begin = async (projectId: string, body: object = {}) => Conversation.parse(await ada.post(`/projects/${projectId}/conversations`, { title: 'Told of', model: quickModel, ...body }))
const say = (id: string, text: string) => ada.readAll('POST', `/conversations/${id}/messages`, { text })
const list = async (client: ChatClient, projectId: string) => ConversationPage.parse(await client.get(`/projects/${projectId}/conversations`))
/** A change of that conversation after which it is so. */
const tells = (id: string, isSo: (conversation: Conversation) => boolean) => (change: ConversationChange) => change.type === 'conversation' && change.conversation.id === id && isSo(change.conversation)

describe('who looks at a project', () => {
  test('is told of an answer as it begins and as it ends', async () => {
    const { id: projectId } = await makeProject()
    const { id } = await begin(projectId, { model: slowModel })
    const feed = await followChanges(vera, projectId)
    const answer = say(id, 'Take your time')
    await feed.until(tells(id, ({ runningMessageId }) => runningMessageId !== null))
    await ada.post(`/conversations/${id}/stop`)
    const { message } = await answer
    const ended = await feed.until(tells(id, ({ runningMessageId }) => runningMessageId === null))
    expect(message).toMatchObject({ status: 'aborted' })
    expect(ended.at(-1)).toEqual({ type: 'conversation', conversation: (await list(ada, projectId)).conversations[0] })
    feed.leave()
  })

  test('is told of a new conversation, of every change of it, and that it is gone', async () => {
    const [{ id: projectId }, { id: elsewhere }] = [await makeProject(), await makeProject()]
    const feed = await followChanges(vera, projectId)
    const { id } = await begin(projectId)
    await feed.until(tells(id, ({ title }) => title === 'Told of'))
    await ada.call('PATCH', `/conversations/${id}`, { title: 'Renamed', pinned: true })
    await feed.until(tells(id, ({ title, pinned }) => title === 'Renamed' && pinned))
    const isGone = (change: ConversationChange) => change.type === 'gone' && change.conversationId === id
    await ada.call('PATCH', `/conversations/${id}`, { projectId: elsewhere })
    await feed.until(isGone)
    await ada.post('/conversations/bulk', { action: 'move', ids: [id], projectId })
    await feed.until(tells(id, () => true))
    await ada.call('DELETE', `/conversations/${id}`)
    await feed.until(isGone)
    await ada.post(`/conversations/${id}/restore`)
    await feed.until(tells(id, () => true))
    feed.leave()
  })

  test('is told first what went on since they read the list, and nothing of other projects', async () => {
    const [{ id: projectId }, { id: elsewhere }] = [await makeProject(), await makeProject()]
    const [first, second] = [await begin(projectId), await begin(projectId)]
    const { conversations: [newest] } = await list(vera, projectId)
    await say(first.id, 'Meanwhile')
    const feed = await followChanges(vera, projectId, { since: newest?.lastActiveAt })
    expect(await feed.next()).toMatchObject({ type: 'conversation', conversation: { id: first.id, runningMessageId: null } })
    const other = await begin(elsewhere)
    await say(other.id, 'Not here')
    await say(second.id, 'Here')
    const told = await feed.until(tells(second.id, () => true))
    expect(told.flatMap(change => change.type === 'conversation' ? [change.conversation.id] : [])).not.toContain(other.id)
    feed.leave()
  })
})

test('who looks at a project of an organisation that is closed is sent away', async () => {
  const { cookie } = await signUp(await signInAs(workbench.loom, admin.email, admin.password), 'closing@example.com')
  const tenant = new ChatClient(workbench.loom, { cookie })
  const [{ org: { id } }, { projects: [project] }] = [z.object({ org: z.object({ id: z.string() }) }).parse(await tenant.get('/session')), ProjectPage.parse(await tenant.get('/projects'))]
  const feed = await followChanges(tenant, project?.id ?? '')
  await ada.call('PATCH', `/platform/orgs/${id}`, { status: 'inactive' })
  expect(await feed.next()).toBeUndefined()
})

describe('what somebody has seen', () => {
  test('is known on all their devices, and is theirs alone', async () => {
    const { id: projectId } = await makeProject()
    const { id } = await begin(projectId)
    const { message } = await say(id, 'Hello')
    expect(message?.status).toBe('complete')
    const [other, others] = [await followChanges(vera, projectId), await followChanges(ada, projectId)]
    expect((await list(vera, projectId)).seen).toEqual({})
    expect(await vera.call('PUT', `/conversations/${id}/seen`)).toMatchObject({ status: 204 })
    const { conversations: [listed], seen } = await list(vera, projectId)
    expect(seen).toEqual({ [id]: listed?.lastActiveAt })
    expect((await other.until(({ type }) => type === 'seen')).at(-1)).toEqual({ type: 'seen', conversationId: id, seenAt: listed?.lastActiveAt })
    expect((await list(ada, projectId)).seen).toEqual({})

    // It goes on, and is as unseen as what is new in it.
    await say(id, 'And on')
    const told = await others.until(tells(id, ({ lastActiveAt }) => lastActiveAt > (seen[id] ?? '')))
    expect(told.map(({ type }) => type)).not.toContain('seen')
    const later = await list(vera, projectId)
    expect(later.seen).toEqual(seen)
    expect((later.conversations[0]?.lastActiveAt ?? '') > (seen[id] ?? '')).toBe(true)
    await vera.call('PUT', `/conversations/${id}/seen`)
    expect((await list(vera, projectId)).seen).toEqual({ [id]: later.conversations[0]?.lastActiveAt })
    for (const feed of [other, others]) feed.leave()
  })

  test('is what stood before them, and not told to the page that it stood on', async () => {
    const { id: projectId } = await makeProject()
    const { id } = await begin(projectId)
    const before = (await list(vera, projectId)).conversations[0]?.lastActiveAt
    await say(id, 'Not on that page yet')
    const page = crypto.randomUUID()
    const [own, other] = [await followChanges(vera, projectId, { page }), await followChanges(vera, projectId, { page: crypto.randomUUID() })]
    expect(await vera.call('PUT', `/conversations/${id}/seen`, { upTo: before, page })).toMatchObject({ status: 204 })
    expect((await other.until(({ type }) => type === 'seen')).at(-1)).toEqual({ type: 'seen', conversationId: id, seenAt: before })
    expect((await list(vera, projectId)).seen).toEqual({ [id]: before })

    const next = await begin(projectId)
    expect((await own.until(tells(next.id, () => true))).map(({ type }) => type)).not.toContain('seen')

    // What knows times to the millisecond alone has not seen what came after it.
    const [earlier, rounded] = [await begin(projectId), (moment = '') => `${moment.slice(0, -4)}Z`]
    await vera.call('PUT', `/conversations/${earlier.id}/seen`, { upTo: rounded(earlier.lastActiveAt) })
    expect((await list(vera, projectId)).seen[earlier.id]).toBe(`${earlier.lastActiveAt.slice(0, -4)}000Z`)
    expect(await vera.call('PUT', `/conversations/${earlier.id}/seen`, { upTo: '0000-01-01T00:00:00Z' })).toMatchObject({ status: 400 })
    for (const feed of [own, other]) feed.leave()
  })
})

test('a server that is told to stop ends those who only listen at once', async () => {
  const { id: projectId } = await makeProject()
  const feed = await followChanges(vera, projectId)
  const stopped = workbench.loom.stop()
  expect(await feed.next()).toBeUndefined()
  expect(await stopped).toBe(0)
})
