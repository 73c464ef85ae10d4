import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { applyChatEvent } from '../../shared/apply-chat-event'
import { ModelList } from '../../shared/catalog'
import { AnswerRequest } from '../../shared/answers'
import { Conversation } from '../../shared/conversations'
import { MessagePage } from '../../shared/messages'
import type { Message } from '../../shared/messages'
import { Project } from '../../shared/projects'
import type { ChatClient, StreamedEvent } from '../support/chat-client'
import { textOf } from '../support/chat-client'
import { leaveAfter, mock, newConversation, quickModel, readConversation, readMessages, slowModel, startChatWorkbench } from '../support/chat-workbench'
import type { ChatWorkbench } from '../support/chat-workbench'
import type { LoomServer } from '../support/loom-server'
import type { MockUpstream } from '../support/mock-upstream'
import type { MockBehaviourInput } from '../support/mock-upstream/behaviour'
import { until } from '../support/until'

let workbench: ChatWorkbench
let loom: LoomServer
let upstream: MockUpstream
let ada: ChatClient

beforeAll(async () => {
  workbench = await startChatWorkbench({ REPLICA_TIMEOUT_MS: '2000', SHUTDOWN_TIMEOUT_MS: '4000' })
  ;({ loom, upstream, ada } = workbench)
})
afterAll(() => workbench?.remove())

/** What the provider was asked last, without the instructions. */
const lastQuestion = () => AnswerRequest.shape.messages.parse(upstream.requests.at(-1)?.json.messages).filter(({ role }) => role !== 'system')
const saidSomething = (message: Message) => textOf(message).length > 20

describe('an answer', () => {
  test('streams word by word, and what the stream adds up to is what is stored', async () => {
    const conversation = await newConversation(ada, 'demo')
    const { events, message } = await ada.readAll('POST', `/conversations/${conversation.id}/messages`, { text: '# Greet   me in a table' })
    const types = events.map(({ event }) => event.type)
    expect(types.filter(type => type === 'delta').length).toBeGreaterThan(5)
    expect([types[0], types.at(-1)]).toEqual(['message', 'done'])
    expect(events.map(({ id }) => id)).toEqual(events.map((_, index) => index + 1))

    const beforeTheEnd = events.slice(0, -1).reduce<Message | undefined>((folded, { event }) => applyChatEvent(folded, event), undefined)
    expect(textOf(beforeTheEnd)).toBe(textOf(message))
    const stored = await readMessages(ada, conversation)
    expect(stored.at(-1)).toEqual(message)
    expect(stored).toMatchObject([{ role: 'user', parts: [{ text: '# Greet   me in a table' }] }, { role: 'assistant', status: 'complete', parentId: stored[0]?.id, model: 'demo', provider: 'demo', error: null }])
    expect(message?.outputTokens).toBeGreaterThan(0)
    expect(BigInt(message?.costNanoUsd ?? 0)).toBeGreaterThan(0n)
    expect(message?.latencyMs).toBeGreaterThanOrEqual(message?.ttfbMs ?? Infinity)
  })

  test('is charged and traced like any call, and adds to the totals', async () => {
    const conversation = await newConversation(ada, mock({ text: 'Hi', usage: { inputTokens: 11, outputTokens: 7, cachedInputTokens: 5, reasoningTokens: 3 } }))
    const { message } = await ada.readAll('POST', `/conversations/${conversation.id}/messages`, { text: 'Hello' })
    await ada.readAll('POST', `/conversations/${conversation.id}/messages`, { text: 'Again' })
    expect(message).toMatchObject({ inputTokens: 11, outputTokens: 7, cachedInputTokens: 5, reasoningTokens: 3 })
    expect(await readConversation(ada, conversation)).toMatchObject({ inputTokens: 22, outputTokens: 14, cachedInputTokens: 10, reasoningTokens: 6, runningMessageId: null })
    expect(await ada.get(`/traces/${message?.traceId}`)).toMatchObject({ id: message?.traceId })
  })

  test('can be read from the database while it streams', async () => {
    const conversation = await newConversation(ada, slowModel)
    await leaveAfter(ada, conversation, saidSomething)
    const lengths = new Set<number>()
    await until(async () => {
      const answer = (await readMessages(ada, conversation)).at(-1)
      // What is said goes out before it is written down, so the first look may come early.
      expect(answer?.role).toBe('assistant')
      expect(['pending', 'streaming']).toContain(answer?.status)
      return lengths.add(textOf(answer).length).size >= 3
    })
    await ada.post(`/conversations/${conversation.id}/stop`)
  })

  test('goes on to its end when the page is left', async () => {
    const conversation = await newConversation(ada, mock({ chunks: 60, chunkIntervalMs: 10, chunkBytes: 6 }))
    const left = await leaveAfter(ada, conversation, saidSomething)
    const answer = await until(async () => {
      const last = (await readMessages(ada, conversation)).at(-1)
      return last?.status === 'complete' && last
    })
    expect(textOf(answer)).toHaveLength(360)
    expect(textOf(answer).startsWith(textOf(left))).toBe(true)
    expect(upstream.requests.at(-1)).toMatchObject({ callerGone: false })
  })

  test('keeps its text, its status and its cost when it is stopped midway', async () => {
    const conversation = await newConversation(ada, slowModel)
    const reading = ada.readAll('POST', `/conversations/${conversation.id}/messages`, { text: 'Tell me much.' })
    await until(async () => (await readMessages(ada, conversation)).some(message => message.role === 'assistant' && saidSomething(message)))
    expect(await ada.post(`/conversations/${conversation.id}/stop`)).toEqual({ stopped: true })
    const { events, message } = await reading
    expect(events.at(-1)?.event.type).toBe('done')
    expect(message).toMatchObject({ status: 'aborted', error: null, parts: [{ type: 'text', completedAt: expect.any(String) }] })
    expect(message?.outputTokens).toBeGreaterThan(0)
    expect(message?.costNanoUsd).toMatch(/^\d+$/)
    expect((await readMessages(ada, conversation)).at(-1)).toEqual(message)
    expect(await ada.post(`/conversations/${conversation.id}/stop`)).toEqual({ stopped: false })
    await until(() => upstream.requests.at(-1)?.callerGone)
  })

  test('ends with its project, which nobody can stop it in any more', async () => {
    const project = Project.parse(await ada.post('/projects', { name: 'Short-lived' }))
    const conversation = Conversation.parse(await ada.post(`/projects/${project.id}/conversations`, { model: slowModel }))
    await leaveAfter(ada, conversation, saidSomething)
    expect((await ada.call('DELETE', `/projects/${project.id}`)).status).toBe(204)
    await until(() => upstream.requests.at(-1)?.callerGone)
    await ada.post(`/projects/${project.id}/restore`)
    expect((await readMessages(ada, conversation)).at(-1)).toMatchObject({ status: 'aborted', error: null })
  })

  test('that has said nothing yet can be stopped too', async () => {
    const conversation = await newConversation(ada, mock({ firstByteDelayMs: 60_000 }))
    const reading = ada.readAll('POST', `/conversations/${conversation.id}/messages`, { text: 'Hello' })
    await until(async () => (await readConversation(ada, conversation)).runningMessageId)
    await ada.post(`/conversations/${conversation.id}/stop`)
    expect((await reading).message).toMatchObject({ status: 'aborted', error: null, parts: [] })
    expect((await ada.readAll('POST', `/conversations/${conversation.id}/messages`, { text: 'Again', model: quickModel })).message).toMatchObject({ status: 'complete' })
  })

  test('is followed after a reload with every word exactly once', async () => {
    const conversation = await newConversation(ada, mock({ chunks: 150, chunkIntervalMs: 40, chunkBytes: 6 }))
    await leaveAfter(ada, conversation, saidSomething)
    const [first, second] = await Promise.all([1, 2].map(() => ada.readAll('GET', `/conversations/${conversation.id}/stream`)))
    expect(first?.events[0]).toMatchObject({ event: { type: 'snapshot' } })
    expect(first?.events.map(({ id }) => id)).toEqual(first?.events.map((_, index) => (first.events[0]?.id ?? 0) + index))
    expect(first?.events.filter(({ event }) => event.type === 'delta').length).toBeGreaterThan(10)
    const beforeTheEnd = first?.events.slice(0, -1).reduce<Message | undefined>((message, { event }) => applyChatEvent(message, event), undefined)
    const stored = (await readMessages(ada, conversation)).at(-1)
    expect(textOf(stored)).toHaveLength(900)
    for (const text of [beforeTheEnd, first?.message, second?.message].map(textOf)) expect(text).toBe(textOf(stored))
  })

  test('is taken up again after the last event that arrived, as a browser does by itself, too', async () => {
    const conversation = await newConversation(ada, mock({ chunks: 150, chunkIntervalMs: 40, chunkBytes: 6 }))
    const seen: StreamedEvent[] = []
    for await (const item of ada.events('POST', `/conversations/${conversation.id}/messages`, { text: 'Tell me much.' })) {
      seen.push(item)
      if (seen.length === 12) break
    }
    const [{ id: last = 0 } = {}] = seen.slice(-1)
    const answer = seen[0]?.event.type === 'message' ? seen[0].event.message.id : ''
    const path = `/conversations/${conversation.id}/stream`
    const [told, resumed] = await Promise.all([
      ada.readAll('GET', `${path}?after=${last}&message=${answer}`),
      ada.readAll('GET', path, undefined, { 'last-event-id': String(last) })
    ])
    expect(told.events[0]?.id).toBe(last + 1)
    expect(resumed.events).toEqual(told.events)
    const whole = [...seen, ...told.events].slice(0, -1).reduce<Message | undefined>((message, { event }) => applyChatEvent(message, event), undefined)
    expect(textOf(whole)).toHaveLength(900)
    expect(textOf(whole)).toBe(textOf(told.message))
    // Of another message, it is no place to go on from.
    expect((await ada.readAll('GET', `${path}?after=${last}&message=${conversation.id}`)).events).toMatchObject([{ event: { type: 'done' } }])
  })

  test('of ten thousand tiny pieces arrives whole, and leaves nothing but its parts behind', async () => {
    const conversation = await newConversation(ada, mock({ chunks: 10_000, chunkBytes: 3 }))
    const { events, message } = await ada.readAll('POST', `/conversations/${conversation.id}/messages`, { text: 'Quick.' })
    expect(textOf(message)).toHaveLength(30_000)
    expect(textOf(events.slice(0, -1).reduce<Message | undefined>((folded, { event }) => applyChatEvent(folded, event), undefined))).toBe(textOf(message))
    expect((await readMessages(ada, conversation)).at(-1)).toEqual(message)
  })

  test('of five megabytes, in any script, is followed to its end, and kept, given out and taken in again whole', async () => {
    // Each of these characters is three bytes on the wire.
    for (const text of ['warp and weft\n'.repeat(375_000), '経糸と緯糸'.repeat(350_000)]) {
      const conversation = await newConversation(ada, quickModel)
      workbench.upstream.respondWith({ text, chunks: 500 })
      await leaveAfter(ada, conversation, () => true)
      await until(async () => (await readConversation(ada, conversation)).runningMessageId === null)
      // Its end holds all of it: who was too slow for the pieces gets that.
      const { message } = await ada.readAll('GET', `/conversations/${conversation.id}/stream`)
      expect(message?.status).toBe('complete')
      expect(textOf(message) === text).toBe(true)
      const file = await ada.get(`/conversations/${conversation.id}/export?format=json`)
      const copy = Conversation.parse(await ada.post(`/projects/${conversation.projectId}/import`, file))
      for (const one of [conversation, copy]) expect(textOf((await readMessages(ada, one)).at(-1)) === text).toBe(true)
    }
  })

  test('of more than eight million characters is cut there, keeps them, and says why', async () => {
    const conversation = await newConversation(ada, mock({ chunks: 18, chunkBytes: 1024 * 1024, fault: 'stalls' }))
    await leaveAfter(ada, conversation, () => true)
    await until(async () => (await readConversation(ada, conversation)).runningMessageId === null)
    const answer = (await readMessages(ada, conversation)).at(-1)
    expect(answer).toMatchObject({ status: 'error', error: { code: 'upstream_error', message: 'The answer was longer than Loom keeps, so it was cut here.' } })
    expect(textOf(answer).length).toBeGreaterThan(8_000_000)
  })

  test('that has ended is followed by its end alone, and a conversation without one by nothing', async () => {
    const conversation = await newConversation(ada, quickModel)
    expect(await ada.call('GET', `/conversations/${conversation.id}/stream`)).toEqual({ status: 204, body: undefined })
    const { message } = await ada.readAll('POST', `/conversations/${conversation.id}/messages`, { text: 'Hello' })
    const { events } = await ada.readAll('GET', `/conversations/${conversation.id}/stream`)
    expect(events).toMatchObject([{ id: 1, event: { type: 'done', message } }])
  })

  test('begins only once when two ask at the same time', async () => {
    const conversation = await newConversation(ada, slowModel)
    const path = `/conversations/${conversation.id}/messages`
    const posts = await Promise.all([1, 2, 3].map(() => ada.fetch('POST', path, { text: 'Me first' })))
    expect(posts.map(({ status }) => status).toSorted()).toEqual([200, 409, 409])
    for (const refused of posts.filter(({ status }) => status === 409)) expect(await refused.json()).toMatchObject({ error: { code: 'conflict' } })
    expect((await readMessages(ada, conversation)).map(({ role }) => role)).toEqual(['user', 'assistant'])
    await ada.post(`/conversations/${conversation.id}/stop`)
    expect((await ada.call('POST', `${path}/${(await readConversation(ada, conversation)).id}/retry`)).status).toBe(404)
  })

  test('tries again as a branch that takes its place', async () => {
    const conversation = await newConversation(ada, quickModel)
    const path = `/conversations/${conversation.id}/messages`
    const first = (await ada.readAll('POST', path, { text: 'Once' })).message
    const { events, message: second } = await ada.readAll('POST', `${path}/${first?.id}/retry`, { model: 'demo-reasoning' })
    expect(events[0]?.event).toMatchObject({ type: 'message', userMessage: null })
    expect(second).toMatchObject({ parentId: first?.parentId, model: 'demo-reasoning' })
    expect(second?.parts.map(({ type }) => type)).toEqual(['reasoning', 'text'])
    const third = (await ada.readAll('POST', path, { text: 'Go on' })).message
    expect((await readMessages(ada, conversation)).map(({ id }) => id)).toEqual([first?.parentId, second?.id, third?.parentId, third?.id])
    expect((await ada.call('POST', `${path}/${first?.parentId}/retry`, {})).body).toMatchObject({ error: { code: 'invalid_request' } })
  })

  test('of long ago is tried again without losing what followed it', async () => {
    const conversation = await newConversation(ada, quickModel)
    const path = `/conversations/${conversation.id}/messages`
    const first = (await ada.readAll('POST', path, { text: 'One' })).message
    const second = (await ada.readAll('POST', path, { text: 'Two' })).message
    const again = (await ada.readAll('POST', `${path}/${first?.id}/retry`, {})).message
    expect(again?.siblingIds).toEqual([first?.id, again?.id])
    expect((await readMessages(ada, conversation)).map(({ id }) => id)).toEqual([first?.parentId, again?.id])
    const { messages } = MessagePage.parse(await ada.post(`${path}/${first?.id}/show`))
    expect(messages.map(({ id }) => id)).toEqual([first?.parentId, first?.id, second?.parentId, second?.id])
    expect(await readMessages(ada, conversation)).toEqual(messages)
  })

  test('of another branch is looked at page by page, and the shown one stays shown', async () => {
    const conversation = await newConversation(ada, quickModel)
    const path = `/conversations/${conversation.id}/messages`
    const look = async (query: string) => {
      const { messages, nextCursor } = MessagePage.parse(await ada.get(`${path}?${query}`))
      return { ids: messages.map(({ id }) => id), nextCursor }
    }
    const first = (await ada.readAll('POST', path, { text: 'One' })).message
    const second = (await ada.readAll('POST', path, { text: 'Two' })).message
    const again = (await ada.readAll('POST', `${path}/${second?.id}/retry`, {})).message
    await ada.readAll('POST', `${path}/${first?.id}/retry`, {})
    const shown = await ada.get(path)

    expect(await look(`through=${second?.id}`), 'the branch that ends with it').toEqual({ ids: [first?.parentId, first?.id, second?.parentId, second?.id], nextCursor: null })
    expect(await look(`through=${first?.id}`), 'the newest of those that part below it').toEqual({ ids: [first?.parentId, first?.id, again?.parentId, again?.id], nextCursor: null })
    const newest = await look(`through=${first?.id}&limit=1`)
    expect(newest).toEqual({ ids: [again?.id], nextCursor: again?.id })
    expect(await look(`before=${newest.nextCursor}&limit=2`)).toEqual({ ids: [first?.id, again?.parentId], nextCursor: first?.id })
    expect(await ada.get(path)).toEqual(shown)
  })

  test('is looked at in its own conversation or not at all', async () => {
    const [conversation, elsewhere] = [await newConversation(ada, quickModel), await newConversation(ada, quickModel)]
    await ada.readAll('POST', `/conversations/${conversation.id}/messages`, { text: 'One' })
    const foreign = (await ada.readAll('POST', `/conversations/${elsewhere.id}/messages`, { text: 'One' })).message
    for (const [through, status] of [[foreign?.id, 404], [conversation.id, 404], ['x', 400], ['', 400]] as const) {
      expect(await ada.call('GET', `/conversations/${conversation.id}/messages?through=${through}`), String(through)).toMatchObject({ status })
    }
  })

  test('goes on where it stopped, in a message of its own, and the model reads both as one', async () => {
    const conversation = await newConversation(ada, mock({ text: 'Half an ans' }))
    const path = `/conversations/${conversation.id}/messages`
    const first = (await ada.readAll('POST', path, { text: 'Explain' })).message
    const { events, message: rest } = await ada.readAll('POST', `${path}/${first?.id}/continue`, { model: mock({ text: 'wer.' }) })
    expect(events[0]?.event).toMatchObject({ type: 'message', userMessage: null })
    expect(rest).toMatchObject({ parentId: first?.id, status: 'complete' })
    expect(lastQuestion()).toMatchObject([{ role: 'user', content: 'Explain' }, { role: 'assistant', content: 'Half an ans' }, { role: 'user' }])
    await ada.readAll('POST', path, { text: 'Thanks' })
    expect(lastQuestion()).toMatchObject([{ content: 'Explain' }, { role: 'assistant', content: 'Half an answer.' }, { content: 'Thanks' }])
  })

  test('that reaches its longest length says so, keeps its words, and can go on', async () => {
    const model = mock({ text: 'Half an ans', finishReason: 'length' })
    const conversation = await newConversation(ada, model)
    const path = `/conversations/${conversation.id}/messages`
    for (const tools of [false, true]) {
      const { events, message } = await ada.readAll('POST', path, { text: 'Explain', tools, model })
      expect(events.at(-1)?.event.type).toBe('error')
      expect(message).toMatchObject({ status: 'error', error: { code: 'length_limit' }, parts: [{ type: 'text', text: 'Half an ans' }, { type: 'error', code: 'length_limit' }], outputTokens: 20 })
      expect((await readMessages(ada, conversation)).at(-1)).toEqual(message)
      const { message: rest } = await ada.readAll('POST', `${path}/${message?.id}/continue`, { model: mock({ text: 'wer.' }) })
      expect(rest).toMatchObject({ status: 'complete', error: null })
      expect(lastQuestion().slice(-2)).toMatchObject([{ role: 'assistant', content: 'Half an ans' }, { role: 'user' }])
    }
  })

  test('tells the call behind it, which an SDK can repeat', async () => {
    const conversation = await newConversation(ada, quickModel)
    const path = `/conversations/${conversation.id}/messages`
    await ada.readAll('POST', path, { text: 'One' })
    const { message } = await ada.readAll('POST', path, { text: 'Two' })
    const request = AnswerRequest.parse(await ada.get(`${path}/${message?.id}/request`))
    expect(request.messages).toEqual([{ role: 'user', content: 'One' }, { role: 'assistant', content: 'Fine.' }, { role: 'user', content: 'Two' }])
    expect(upstream.requests.at(-1)?.json).toMatchObject({ messages: request.messages })
    expect(await ada.call('GET', `${path}/${message?.parentId}/request`)).toMatchObject({ status: 400 })
  })

  test.each<[string, MockBehaviourInput, string, string]>([
    ['the provider refuses', { status: 401 }, 'upstream_error', ''],
    ['the provider breaks off', { chunks: 10, fault: 'half' }, 'upstream_error', 'w0'],
    ['the provider reports an error midway', { chunks: 10, fault: 'error-event' }, 'upstream_error', 'w0']
  ])('says why when %s, and keeps what it had', async (_, behaviour, code, begin) => {
    const conversation = await newConversation(ada, mock(behaviour))
    const { events, message } = await ada.readAll('POST', `/conversations/${conversation.id}/messages`, { text: 'Hello' })
    expect(events.at(-1)?.event.type).toBe('error')
    expect(message).toMatchObject({ status: 'error', error: { code } })
    expect(message?.parts.at(-1)).toMatchObject({ type: 'error', code, text: message?.error?.message })
    expect(textOf(message).startsWith(begin)).toBe(true)
    expect((await readMessages(ada, conversation)).at(-1)).toEqual(message)
    expect((await ada.readAll('POST', `/conversations/${conversation.id}/messages/${message?.id}/retry`, { model: quickModel })).message).toMatchObject({ status: 'complete' })
  })

  test('of a model nobody has is an error message, not a lost one', async () => {
    const conversation = await newConversation(ada, 'no-such-model')
    const { message } = await ada.readAll('POST', `/conversations/${conversation.id}/messages`, { text: 'Hello' })
    expect(message).toMatchObject({ status: 'error', error: { code: 'model_not_found' } })
  })

  test('knows the project\'s instructions and the thread so far', async () => {
    const project = Project.parse(await ada.post('/projects', { name: 'Pirates', instructions: 'Talk like a pirate.', defaultModel: mock({ text: 'Arr' }) }))
    const conversation = Conversation.parse(await ada.post(`/projects/${project.id}/conversations`))
    for (const text of ['Hello', 'And you?']) await ada.readAll('POST', `/conversations/${conversation.id}/messages`, { text })
    expect(upstream.requests.at(-1)?.json).toMatchObject({
      messages: [
        { role: 'system', content: 'Talk like a pirate.' }, { role: 'user', content: 'Hello' }, { role: 'assistant', content: 'Arr' }, { role: 'user', content: 'And you?' }
      ]
    })
  })
})

describe('a message', () => {
  test('is edited as a branch: the old one stays, and the model reads the new one in its place', async () => {
    const conversation = await newConversation(ada, quickModel)
    const path = `/conversations/${conversation.id}/messages`
    const first = (await ada.readAll('POST', path, { text: 'One' })).message
    const second = (await ada.readAll('POST', path, { text: 'Two' })).message
    const { events, message: edited } = await ada.readAll('POST', path, { text: 'Two, but better', parentId: first?.id })
    expect(events[0]?.event).toMatchObject({ userMessage: { parentId: first?.id, siblingIds: [second?.parentId, edited?.parentId] } })
    expect(lastQuestion().map(({ content }) => content)).toEqual(['One', 'Fine.', 'Two, but better'])
    expect((await readMessages(ada, conversation)).map(textOf)).toEqual(['One', 'Fine.', 'Two, but better', 'Fine.'])

    const top = (await ada.readAll('POST', path, { text: 'Another start', parentId: null })).message
    expect((await readMessages(ada, conversation)).map(({ id, siblingIds }) => [id, siblingIds])).toEqual([[top?.parentId, [first?.parentId, top?.parentId]], [top?.id, [top?.id]]])
    await ada.post(`${path}/${second?.parentId}/show`)
    expect((await readMessages(ada, conversation)).map(textOf)).toEqual(['One', 'Fine.', 'Two', 'Fine.'])
  })

  test('is stored and answered once, however often it is sent under one name', async () => {
    const conversation = await newConversation(ada, slowModel)
    const path = `/conversations/${conversation.id}/messages`
    const message = { text: 'Only once', clientId: crypto.randomUUID() }
    const leave = new AbortController()
    const statuses = await Promise.all(Array.from({ length: 5 }, async () => (await ada.fetch('POST', path, message, leave.signal)).status))
    leave.abort()
    expect(statuses.toSorted()).toEqual([200, 204, 204, 204, 204])
    await ada.post(`/conversations/${conversation.id}/stop`)
    await until(async () => (await readMessages(ada, conversation)).at(-1)?.status === 'aborted')
    const before = await readConversation(ada, conversation)
    expect(await ada.call('POST', path, { ...message, model: quickModel })).toMatchObject({ status: 204 })
    expect(await readConversation(ada, conversation)).toEqual(before)
    expect(await readMessages(ada, conversation)).toMatchObject([{ role: 'user' }, { role: 'assistant' }])

    const other = await newConversation(ada, quickModel)
    await ada.readAll('POST', `/conversations/${other.id}/messages`, message)
    await ada.readAll('POST', `/conversations/${other.id}/messages`, { ...message, clientId: crypto.randomUUID() })
    expect(await readMessages(ada, other)).toHaveLength(4)
    expect(await ada.call('POST', path, { ...message, clientId: 'mine' })).toMatchObject({ status: 400 })
  })

  test('follows an answer of its own conversation or nothing', async () => {
    const [conversation, elsewhere] = [await newConversation(ada, quickModel), await newConversation(ada, quickModel)]
    const path = `/conversations/${conversation.id}/messages`
    const { message } = await ada.readAll('POST', path, { text: 'One' })
    const foreign = (await ada.readAll('POST', `/conversations/${elsewhere.id}/messages`, { text: 'One' })).message
    for (const [parentId, status] of [[message?.parentId, 400], [foreign?.id, 404], [conversation.id, 404], ['x', 400]] as const) {
      expect(await ada.call('POST', path, { text: 'Two', parentId }), String(parentId)).toMatchObject({ status })
    }
    expect(await readMessages(ada, conversation)).toHaveLength(2)
  })

  test('shows no other branch while an answer is written', async () => {
    const conversation = await newConversation(ada, quickModel)
    const path = `/conversations/${conversation.id}/messages`
    const { message } = await ada.readAll('POST', path, { text: 'One' })
    const events = ada.events('POST', `${path}/${message?.id}/retry`, { model: slowModel })
    await events.next()
    expect(await ada.call('POST', `${path}/${message?.id}/show`)).toMatchObject({ status: 409, body: { error: { code: 'conflict' } } })
    expect(MessagePage.parse(await ada.get(`${path}?through=${message?.id}`)).messages.at(-1), 'and lets it be looked at').toMatchObject({ id: message?.id })
    await ada.post(`/conversations/${conversation.id}/stop`)
    await events.return(undefined)
    expect(await ada.call('POST', `${path}/${message?.id}/show`)).toMatchObject({ status: 200 })
  })
})

describe('the model of an answer', () => {
  test('is the first of the list when nobody has chosen one, and the conversation\'s once it is named', async () => {
    const project = Project.parse(await ada.post('/projects', { name: 'No default' }))
    const conversation = Conversation.parse(await ada.post(`/projects/${project.id}/conversations`))
    const { models } = ModelList.parse(await ada.get('/models'))
    const { message } = await ada.readAll('POST', `/conversations/${conversation.id}/messages`, { text: 'Hello' })
    expect(message?.model).toBe(models[0]?.id)
    await ada.readAll('POST', `/conversations/${conversation.id}/messages`, { text: 'Hello', model: quickModel })
    expect(await readConversation(ada, conversation)).toMatchObject({ model: quickModel })
  })
})

describe('a title', () => {
  test('comes from the first message unless somebody gave one', async () => {
    const conversation = await newConversation(ada, quickModel)
    const path = `/conversations/${conversation.id}`
    const { events } = await ada.readAll('POST', `${path}/messages`, { text: 'Plan a trip\nto Rome' })
    expect(events[0]?.event).toMatchObject({ conversation: { title: 'Plan a trip' } })
    expect((await ada.call('PATCH', path, { title: 'Rome' })).body).toMatchObject({ title: 'Rome' })
    await ada.readAll('POST', `${path}/messages`, { text: 'More' })
    expect(await readConversation(ada, conversation)).toMatchObject({ title: 'Rome' })
  })
})

describe('a process that dies', () => {
  test('leaves the text it had, and the answer settled as interrupted', async () => {
    const conversation = await newConversation(ada, slowModel)
    await leaveAfter(ada, conversation, saidSomething)
    const before = await until(async () => {
      const last = (await readMessages(ada, conversation)).at(-1)
      return last && saidSomething(last) && last
    })
    await loom.kill9()
    await loom.start()
    const answer = await until(async () => {
      const last = (await readMessages(ada, conversation)).at(-1)
      return last?.status === 'error' && last
    })
    expect(answer).toMatchObject({ error: { code: 'interrupted' }, parts: [{ type: 'text' }, { type: 'error', code: 'interrupted' }] })
    expect(textOf(answer).startsWith(textOf(before))).toBe(true)
    expect((await ada.readAll('POST', `/conversations/${conversation.id}/messages`, { text: 'Still there?', model: quickModel })).message).toMatchObject({ status: 'complete' })
  })

  test('on request with an answer that takes too long keeps what it had', async () => {
    const conversation = await newConversation(ada, slowModel)
    const left = await leaveAfter(ada, conversation, saidSomething)
    await loom.stop()
    await loom.start()
    const answer = (await readMessages(ada, conversation)).at(-1)
    expect(answer).toMatchObject({ status: 'error', error: { code: 'interrupted' }, traceId: expect.any(String) })
    expect(textOf(answer).startsWith(textOf(left))).toBe(true)
    expect(answer?.outputTokens).toBeGreaterThan(0)
  })

  test('on request lets a running answer finish first', async () => {
    const conversation = await newConversation(ada, mock({ chunks: 40, chunkIntervalMs: 20 }))
    await leaveAfter(ada, conversation, message => textOf(message) !== '')
    await loom.stop()
    await loom.start()
    expect((await readMessages(ada, conversation)).at(-1)).toMatchObject({ status: 'complete' })
  })
})
