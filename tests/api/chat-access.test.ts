import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { MessagePage } from '../../shared/messages'
import { Project, ProjectPage } from '../../shared/projects'
import { ChatClient, textOf } from '../support/chat-client'
import { mock, newConversation, quickModel, readConversation, readMessages, startChatWorkbench } from '../support/chat-workbench'
import type { ChatWorkbench } from '../support/chat-workbench'
import { FileClient } from '../support/file-client'
import type { LoomServer } from '../support/loom-server'
import { admin, signIn, signUp } from '../support/set-up-loom'

const Invited = z.object({ url: z.url() })
const NewKey = z.object({ key: z.string() })

let workbench: ChatWorkbench
let loom: LoomServer
let ada: ChatClient
let bob: ChatClient

beforeAll(async () => {
  workbench = await startChatWorkbench({ SIGN_UP_OPEN: 'true' })
  ;({ loom, ada } = workbench)
  bob = new ChatClient(loom, await signUp(loom, { name: 'Bob', email: 'bob@example.com', password: 'another correct horse' }))
})
afterAll(() => workbench?.remove())

describe('strangers', () => {
  test('from another org find nothing, whatever they try', async () => {
    const conversation = await newConversation(ada, quickModel)
    const { message } = await ada.readAll('POST', `/conversations/${conversation.id}/messages`, { text: 'Secret' })
    const path = `/conversations/${conversation.id}`
    const attempts: [string, string, unknown?][] = [
      ['GET', path], ['PATCH', path, { title: 'Mine' }], ['GET', `${path}/messages`], ['GET', `${path}/messages?through=${message?.id}`], ['POST', `${path}/messages`, { text: 'Hello' }], ['GET', `${path}/stream`],
      ['POST', `${path}/stop`], ['POST', `${path}/messages/${message?.id}/retry`, {}], ['DELETE', path], ['POST', `${path}/restore`], ['POST', `${path}/duplicate`],
      ['GET', `/projects/${conversation.projectId}`], ['PATCH', `/projects/${conversation.projectId}`, { name: 'Mine' }],
      ['GET', `/projects/${conversation.projectId}/conversations`], ['POST', `/projects/${conversation.projectId}/conversations`, {}]
    ]
    for (const [method, where, body] of attempts) {
      const unknown = await bob.call(method, where.replaceAll(/[0-9a-f-]{36}/g, crypto.randomUUID()), body)
      expect(await bob.call(method, where, body), `${method} ${where}`).toEqual(unknown)
      expect(unknown).toMatchObject({ status: 404, body: { error: { code: 'not_found' } } })
    }
    expect(await readConversation(ada, conversation)).toMatchObject({ title: 'Secret' })
  })

  test('from another org are given the bytes of no file, by their session or by a key', async () => {
    const { projects: [project] } = ProjectPage.parse(await ada.get('/projects'))
    const { id } = await new FileClient(loom, await signIn(loom, admin), project?.id ?? '').upload('secret.txt', 'Secret', 'text/plain')
    const { key } = NewKey.parse(await bob.post('/keys', { name: 'Bob\'s', scopes: ['workspace'] }))
    for (const stranger of [bob, new ChatClient(loom, { authorization: `Bearer ${key}` })]) {
      expect((await stranger.call('GET', '/projects')).status, 'whose credentials are good').toBe(200)
      const refused = await stranger.call('GET', `/files/${id}/content`)
      expect(refused).toMatchObject({ status: 404, body: { error: { code: 'not_found' } } })
      expect(await stranger.call('GET', `/files/${crypto.randomUUID()}/content`)).toEqual(refused)
    }
    expect(await (await ada.fetch('GET', `/files/${id}/content`)).text()).toBe('Secret')
  })
})

describe('members', () => {
  test('with the role viewer read everything and change nothing', async () => {
    const { url } = Invited.parse(await ada.post('/orgs/current/invitations', { email: 'vera@example.com', role: 'viewer' }))
    const accepted = await fetch(`${loom.url}/api/invitations/${url.split(/[/=]/).at(-1)}/accept`, {
      method: 'POST', headers: { 'content-type': 'application/json', 'origin': loom.url }, body: JSON.stringify({ name: 'Vera', password: 'a third correct horse' })
    })
    const vera = new ChatClient(loom, { cookie: accepted.headers.getSetCookie().map(cookie => cookie.split(';')[0]).join('; ') })
    const conversation = await newConversation(ada, quickModel)
    const { message } = await ada.readAll('POST', `/conversations/${conversation.id}/messages`, { text: 'Hello' })
    expect((await readMessages(vera, conversation)).at(-1)).toEqual(message)
    await ada.readAll('POST', `/conversations/${conversation.id}/messages/${message?.id}/retry`, {})
    const { messages: otherBranch } = MessagePage.parse(await vera.get(`/conversations/${conversation.id}/messages?through=${message?.id}`))
    expect(otherBranch.at(-1)?.id).toBe(message?.id)
    const path = `/conversations/${conversation.id}`
    const attempts: [string, string][] = [
      ['PATCH', path], ['DELETE', path], ['POST', `${path}/messages`], ['POST', `${path}/stop`], ['POST', `${path}/restore`], ['POST', `${path}/messages/${message?.id}/retry`],
      ['POST', `${path}/messages/${message?.id}/continue`], ['POST', `${path}/messages/${message?.id}/show`],
      ['POST', '/projects'], ['PATCH', `/projects/${conversation.projectId}`], ['POST', `/projects/${conversation.projectId}/conversations`]
    ]
    for (const [method, where] of attempts) expect(await vera.call(method, where, {}), `${method} ${where}`).toMatchObject({ status: 403, body: { error: { code: 'forbidden' } } })
  })
})

describe('a key with the scope workspace', () => {
  const newKey = async (input: object) => new ChatClient(loom, { authorization: `Bearer ${NewKey.parse(await ada.post('/keys', { name: 'Key', ...input })).key}` })

  test('bound to a project sees that project alone', async () => {
    const elsewhere = await newConversation(ada, quickModel)
    const project = Project.parse(await ada.post('/projects', { name: 'Bound' }))
    const key = await newKey({ projectId: project.id, scopes: ['workspace', 'inference'] })
    expect(ProjectPage.parse(await key.get('/projects')).projects.map(({ id }) => id)).toEqual([project.id])
    for (const path of [`/conversations/${elsewhere.id}`, `/conversations/${elsewhere.id}/messages`, `/conversations/${elsewhere.id}/stream`, `/projects/${elsewhere.projectId}`]) {
      expect(await key.call('GET', path), path).toMatchObject({ status: 404 })
    }
    const own = await newConversation(key, quickModel)
    expect(own.projectId).toBe(project.id)
    expect((await key.readAll('POST', `/conversations/${own.id}/messages`, { text: 'Hello' })).message).toMatchObject({ status: 'complete' })
  })

  test('gets no answer that its scopes and models do not allow', async () => {
    const answerOf = async (key: ChatClient) => (await key.readAll('POST', `/conversations/${(await newConversation(ada, quickModel)).id}/messages`, { text: 'Hello' })).message
    expect(await answerOf(await newKey({ scopes: ['workspace'] }))).toMatchObject({ error: { code: 'insufficient_scope' } })
    expect(await answerOf(await newKey({ scopes: ['workspace', 'inference'], allowedModels: ['demo'] }))).toMatchObject({ error: { code: 'model_not_allowed' } })
  })
})

describe('hostile input', () => {
  test.each<[string, unknown]>([
    ['no text', {}], ['empty text', { text: '' }], ['only spaces', { text: ' \n\t' }], ['a number', { text: 7 }], ['a list', []], ['null', null], ['an unknown field', { text: 'Hello', role: 'system' }],
    ['too long a text', { text: 'x'.repeat(200_001) }], ['broken JSON', '{"text": '], ['an endless model name', { text: 'Hello', model: 'm'.repeat(5_000) }]
  ])('%s is refused and starts nothing', async (_, body) => {
    const conversation = await newConversation(ada, quickModel)
    const answer = await ada.call('POST', `/conversations/${conversation.id}/messages`, body)
    expect(answer).toMatchObject({ status: 400, body: { error: { code: 'invalid_request' } } })
    expect(await readMessages(ada, conversation)).toEqual([])
  })

  test('two megabytes are refused before they are read', async () => {
    const conversation = await newConversation(ada, quickModel)
    const answer = await ada.call('POST', `/conversations/${conversation.id}/messages`, { text: 'x'.repeat(2_000_000) })
    expect(answer).toMatchObject({ status: 413, body: { error: { code: 'body_too_large' } } })
  })

  test('characters no database stores do not break an answer', async () => {
    const conversation = await newConversation(ada, mock({ text: 'a\0b\ud83d' }))
    const { message } = await ada.readAll('POST', `/conversations/${conversation.id}/messages`, { text: 'nul \0 and half a \ud83d pair' })
    expect(message).toMatchObject({ status: 'complete' })
    expect(textOf(message)).toBe('ab\ufffd')
    expect((await readMessages(ada, conversation))[0]?.parts).toMatchObject([{ text: 'nul  and half a \ufffd pair' }])
  })

  test('nor do they in the name of a tool, or in what a provider says when it refuses', async () => {
    const conversation = await newConversation(ada, quickModel)
    workbench.upstream.respondWith({ toolCalls: [{ name: 'a\0b\ud83d', arguments: '{}' }] })
    const { message } = await ada.readAll('POST', `/conversations/${conversation.id}/messages`, { text: 'Call it.', tools: true })
    expect(message).toMatchObject({ status: 'complete', parts: [{ type: 'tool_call', toolName: 'ab\ufffd' }, { type: 'tool_result', toolName: 'ab\ufffd', failed: true }, { type: 'text' }] })
    expect(await readConversation(ada, conversation)).toMatchObject({ runningMessageId: null, toolCounts: { 'ab\ufffd': 1 } })
    workbench.upstream.respondWith({ status: 400, errorBody: JSON.stringify({ error: { message: 'no \0 and no \ud83d', type: 'invalid_request_error' } }) })
    const refused = await ada.readAll('POST', `/conversations/${conversation.id}/messages`, { text: 'And now?' })
    expect(refused.message).toMatchObject({ status: 'error', error: { message: expect.stringContaining('no  and no \ufffd') } })
  })

  test.each(['limit=0', 'limit=201', 'limit=x', 'before=x'])('a page with %s is refused', async (query) => {
    const conversation = await newConversation(ada, quickModel)
    expect(await ada.call('GET', `/conversations/${conversation.id}/messages?${query}`)).toMatchObject({ status: 400 })
  })
})
