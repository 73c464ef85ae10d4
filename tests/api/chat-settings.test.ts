import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { AnswerRequest } from '../../shared/answers'
import { ArtifactList } from '../../shared/artifacts'
import { ConversationExport, ImportedConversation } from '../../shared/conversation-export'
import { ChangedMeanwhile } from '../../shared/errors'
import { Conversation, ConversationPage, ThreadSearchResult } from '../../shared/conversations'
import { MessagePage } from '../../shared/messages'
import { CreatedApiKey } from '../../shared/keys'
import { TemporaryEvent } from '../../shared/temporary-chat'
import { Project } from '../../shared/projects'
import { Trace, TracePage } from '../../shared/traces'
import { ChatClient, textOf } from '../support/chat-client'
import type { ChatWorkbench } from '../support/chat-workbench'
import { mock, newConversation, quickModel, readConversation, readMessages, slowModel, startChatWorkbench } from '../support/chat-workbench'
import { FileClient, PIXEL } from '../support/file-client'
import { admin, signIn, signUp } from '../support/set-up-loom'
import { until } from '../support/until'

let workbench: ChatWorkbench
let ada: ChatClient
let bob: ChatClient

beforeAll(async () => {
  workbench = await startChatWorkbench({ SIGN_UP_OPEN: 'true' })
  ada = workbench.ada
  bob = new ChatClient(workbench.loom, await signUp(workbench.loom, { name: 'Bob', email: 'bob@example.com', password: 'another correct horse' }))
})
afterAll(() => workbench?.remove())

const say = async (conversation: Pick<Conversation, 'id'>, text: string, model = quickModel) => {
  const { message } = await ada.readAll('POST', `/conversations/${conversation.id}/messages`, { text, model })
  if (!message) throw new Error('There was no answer')
  return message
}
const lastRequest = () => workbench.upstream.requests.at(-1)?.json

describe('the settings of a conversation', () => {
  test('go to the model: its own prompt after the project\'s instructions, its own parameters before the project\'s', async () => {
    const project = Project.parse(await ada.post('/projects', { name: 'Tuned', instructions: 'Be brief.', parameters: { temperature: 0.2, maxTokens: 500 } }))
    const conversation = Conversation.parse(await ada.post(`/projects/${project.id}/conversations`, { model: quickModel, systemPrompt: 'Answer in Latin.', parameters: { temperature: 1.5 } }))
    const answer = await say(conversation, 'Hello')
    expect(lastRequest()).toMatchObject({ temperature: 1.5, max_tokens: 500, messages: [{ role: 'system', content: 'Be brief.\n\nAnswer in Latin.' }, { role: 'user', content: 'Hello' }] })
    expect(AnswerRequest.parse(await ada.get(`/conversations/${conversation.id}/messages/${answer.id}/request`))).toMatchObject({ temperature: 1.5, max_tokens: 500 })

    await ada.call('PATCH', `/conversations/${conversation.id}`, { systemPrompt: '', parameters: { topP: 0.5 } })
    await say(conversation, 'Again')
    expect(lastRequest()).toMatchObject({ temperature: 0.2, top_p: 0.5, messages: [{ role: 'system', content: 'Be brief.' }, {}, {}, {}] })
  })

  test('a change that names nothing changes nothing, of a conversation and of a project', async () => {
    const conversation = await newConversation(ada, quickModel)
    for (const [path, contract] of [[`/conversations/${conversation.id}`, Conversation], [`/projects/${conversation.projectId}`, Project]] as const) {
      const { version } = contract.parse(await ada.get(path))
      expect(await ada.call('PATCH', path, {}, { 'if-match': `"${version}"` })).toMatchObject({ status: 200, body: { version } })
    }
  })

  test.each<[string, object]>([
    ['a temperature of 3', { parameters: { temperature: 3 } }], ['a negative length', { parameters: { maxTokens: -1 } }], ['an unknown parameter', { parameters: { tools: [] } }],
    ['an endless prompt', { systemPrompt: 'x'.repeat(20_001) }], ['a text as a number', { parameters: { topP: '1' } }]
  ])('%s is refused', async (_, body) => {
    const conversation = await newConversation(ada, quickModel)
    expect(await ada.call('PATCH', `/conversations/${conversation.id}`, body)).toMatchObject({ status: 400 })
  })
})

/** Without instructions. */
const bareProject = async () => Project.parse(await ada.post('/projects', { name: 'Bare' })).id

describe('of two who change the settings of a conversation, the later', () => {
  const change = ({ id }: Conversation, body: object, version: string) => ada.call('PATCH', `/conversations/${id}`, body, { 'if-match': `"${version}"` })
  const Refusal = z.object({ error: z.object({ code: z.literal('conflict'), details: ChangedMeanwhile }) })

  test('is told what they are now, and overwrites nothing unseen', async () => {
    const conversation = await newConversation(ada, quickModel)
    const { version } = conversation
    expect((await change(conversation, { systemPrompt: 'Be brief.' }, version)).status).toBe(200)
    const refused = await change(conversation, { parameters: { temperature: 1 } }, version)
    expect(refused.status).toBe(409)
    const { details } = Refusal.parse(refused.body).error
    expect(details.current).toEqual({ systemPrompt: 'Be brief.', parameters: {} })
    expect(await readConversation(ada, conversation)).toMatchObject({ version: details.version, systemPrompt: 'Be brief.', parameters: {} })
    expect((await change(conversation, { parameters: { temperature: 1 } }, details.version)).body).toMatchObject({ systemPrompt: 'Be brief.', parameters: { temperature: 1 } })
    // Who does not ask is not asked.
    expect((await ada.call('PATCH', `/conversations/${conversation.id}`, { systemPrompt: '' })).status).toBe(200)
  })

  test('is not told of what they do not change: names, pins, the archive, models, answers', async () => {
    const conversation = await newConversation(ada, quickModel)
    for (const other of [{ title: 'Named' }, { pinned: true }, { archived: true }, { archived: false }, { model: quickModel }]) await ada.call('PATCH', `/conversations/${conversation.id}`, other)
    await say(conversation, 'Hello')
    expect((await change(conversation, { systemPrompt: 'Be brief.' }, conversation.version)).status).toBe(200)
  })

  test('is one of two at once', async () => {
    const conversation = await newConversation(ada, quickModel)
    const statuses = await Promise.all(['One', 'Two', 'Three'].map(async systemPrompt => (await change(conversation, { systemPrompt }, conversation.version)).status))
    expect(statuses.sort()).toEqual([200, 409, 409])
  })
})

describe('a thread that outgrows its model', () => {
  const begin = async () => Conversation.parse(await ada.post(`/projects/${await bareProject()}/conversations`, { model: quickModel }))
  // Nobody has said how much these models read: they are taken to read 32,000 tokens, and a question to take 24,000 of them.
  const counting = (inputTokens: number) => mock({ text: 'Fine.', usage: { inputTokens, outputTokens: 1 } })
  const ask = (conversation: Conversation, text: string, model = quickModel) => say(conversation, text, model)

  test('is sent without its oldest turns, by what the provider has counted, and the answer says how many', async () => {
    const conversation = await begin()
    expect(await ask(conversation, 'First', counting(9_000))).toMatchObject({ contextTokens: 9_001, leftOutTurns: 0 })
    expect(await ask(conversation, 'Second', counting(23_900))).toMatchObject({ contextTokens: 23_901, leftOutTurns: 0 })
    expect(lastRequest()).toMatchObject({ messages: [{ content: 'First' }, {}, { content: 'Second' }] })
    const third = await ask(conversation, 'x'.repeat(600), counting(14_000))
    expect(third.leftOutTurns).toBe(1)
    expect(lastRequest()).toMatchObject({ messages: [{ content: 'Second' }, {}, {}] })
    expect((await readMessages(ada, conversation)).at(-1)).toEqual(third)
  })

  test('counts what is too long ago to be looked at', async () => {
    const at = new Date().toJSON()
    const ids = Array.from({ length: 500 }, () => crypto.randomUUID())
    const projectId = await bareProject()
    const conversation = Conversation.parse(await ada.post(`/projects/${projectId}/import`, {
      format: 'loom.conversation', version: 1, title: 'Long ago', model: quickModel, createdAt: at, shownMessageId: ids.at(-1),
      messages: ids.map((id, index) => ({
        id, conversationId: projectId, parentId: ids[index - 1] ?? null, siblingIds: [id], role: index % 2 === 0 ? 'user' : 'assistant', status: 'complete', provider: null, model: null, inputTokens: null,
        outputTokens: null, cachedInputTokens: null, reasoningTokens: null, costNanoUsd: null, latencyMs: null, ttfbMs: null, traceId: null, error: null, createdAt: at,
        parts: [{ type: 'text', text: `Message ${index}`, index: 0, startedAt: at, completedAt: at }]
      }))
    }))
    // Of 501 messages the newest 400 are read, from an answer on: the first whole turn is the 52nd.
    expect((await ask(conversation, 'Do you remember?')).leftOutTurns).toBe(51)
    expect(lastRequest()).toMatchObject({ messages: expect.arrayContaining([{ role: 'user', content: 'Message 102' }]) })
    expect(JSON.stringify(lastRequest())).not.toContain('Message 101"')
  })

  test('is summed up without them, which the summary says', async () => {
    const conversation = await begin()
    await ask(conversation, 'First', counting(23_000))
    const last = await ask(conversation, 'x'.repeat(6_000))
    const summary = Conversation.parse(await ada.post(`/conversations/${conversation.id}/messages/${last.id}/branch-off`, { summary: true }))
    expect(summary.systemPrompt).toContain('in short, without the oldest question, too much to read:')
  })
})

describe('a temporary chat', () => {
  const end = (text: string) => TemporaryEvent.parse(JSON.parse(text.split('\n').findLast(line => line.startsWith('data: '))?.slice('data: '.length) ?? ''))
  const ask = async (body: object) => (await ada.fetch('POST', `/projects/${await bareProject()}/temporary`, body)).text()

  test('has a prompt and parameters of its own, and says what it was too long for', async () => {
    const messages = [{ role: 'user', text: 'x'.repeat(72_000) }, { role: 'assistant', text: 'Fine.' }, { role: 'user', text: 'And now?' }]
    expect(end(await ask({ messages, model: quickModel, systemPrompt: 'Answer in Latin.', parameters: { temperature: 1.5 } }))).toMatchObject({ type: 'end', leftOutTurns: 1 })
    expect(lastRequest()).toMatchObject({ temperature: 1.5, messages: [{ role: 'system', content: 'Answer in Latin.' }, { role: 'user', content: 'And now?' }] })
    expect(end(await ask({ messages: messages.slice(2), model: quickModel }))).toMatchObject({ type: 'end', leftOutTurns: 0 })
  })

  test('says that an answer was cut at its longest length', async () => {
    const messages = [{ role: 'user', text: 'Hello' }]
    expect(end(await ask({ messages, model: mock({ text: 'Half', finishReason: 'length' }) }))).toMatchObject({ type: 'end', error: { code: 'length_limit' } })
    expect(end(await ask({ messages, model: quickModel }))).toMatchObject({ type: 'end', error: null })
  })
})

describe('feedback', () => {
  test('is kept, changed and taken back, and is each reader\'s own', async () => {
    const conversation = await newConversation(ada, quickModel)
    const answer = await say(conversation, 'Hello')
    const path = `/conversations/${conversation.id}/messages/${answer.id}/feedback`
    const given = async () => (await readMessages(ada, conversation)).at(-1)?.feedback
    expect(await given()).toBeNull()
    expect(await ada.call('PUT', path, { rating: 'down', comment: 'Too short \0' })).toMatchObject({ status: 204 })
    expect(await given()).toEqual({ rating: 'down', comment: 'Too short' })
    await ada.call('PUT', path, { rating: 'up' })
    expect(await given()).toEqual({ rating: 'up', comment: '' })
    await ada.call('PUT', path, { rating: null })
    expect(await given()).toBeNull()
  })

  test('goes to answers alone, in words that fit', async () => {
    const conversation = await newConversation(ada, quickModel)
    const answer = await say(conversation, 'Hello')
    const rate = (messageId: string | null, body: object) => ada.call('PUT', `/conversations/${conversation.id}/messages/${messageId}/feedback`, body)
    expect(await rate(answer.parentId, { rating: 'up' })).toMatchObject({ status: 400 })
    for (const body of [{}, { rating: 'meh' }, { rating: 'up', comment: 'x'.repeat(2_001) }, { rating: 'up', userId: answer.id }]) expect(await rate(answer.id, body)).toMatchObject({ status: 400 })
    const other = await newConversation(ada, quickModel)
    expect(await ada.call('PUT', `/conversations/${other.id}/messages/${answer.id}/feedback`, { rating: 'up' })).toMatchObject({ status: 404 })
  })
})

describe('a search in one conversation', () => {
  test('finds words as they stand, on other branches, then on the one that is shown, each oldest first', async () => {
    const conversation = await newConversation(ada, quickModel)
    const find = async (q: string) => ThreadSearchResult.parse(await ada.get(`/conversations/${conversation.id}/search?q=${encodeURIComponent(q)}`)).messageIds
    const first = await say(conversation, 'What is 100% wool?', mock({ text: 'Wool, all of it.' }))
    const second = await say(conversation, 'And linen?', mock({ text: 'Not WOOL.' }))
    expect(await find('wool')).toEqual([first.parentId, first.id, second.id])
    expect(await find('100%')).toEqual([first.parentId])
    expect(await find('%')).toEqual([first.parentId])
    // Anew from the second question: what it said before is on another branch now.
    await ada.readAll('POST', `/conversations/${conversation.id}/messages`, { text: 'And silk?', parentId: first.id, model: mock({ text: 'No.' }) })
    expect(await find('wool')).toEqual([second.id, first.parentId, first.id])
    expect(await find('linen')).toEqual([second.parentId])
    expect(await ada.call('GET', `/conversations/${conversation.id}/search?q=`)).toMatchObject({ status: 400 })
  })

  test('finds the newest 500 messages where more hold the words', async () => {
    const conversation = await newConversation(ada, quickModel)
    await say(conversation, 'Linen')
    const file = ConversationExport.parse(await ada.get(`/conversations/${conversation.id}/export?format=json`))
    const ids = Array.from({ length: 510 }, () => crypto.randomUUID())
    const messages = ids.map((id, index) => ({ ...file.messages[0], id, parentId: ids[index - 1] ?? null }))
    const copy = Conversation.parse(await ada.post(`/projects/${conversation.projectId}/import`, { ...file, shownMessageId: ids.at(-1), messages }))
    const page = MessagePage.parse(await ada.get(`/conversations/${copy.id}/messages?limit=200`))
    const { messageIds } = ThreadSearchResult.parse(await ada.get(`/conversations/${copy.id}/search?q=linen`))
    expect(messageIds).toHaveLength(500)
    expect(messageIds.slice(-200)).toEqual(page.messages.map(({ id }) => id))
  })
})

describe('a branch of its own', () => {
  test('has the thread down to the message and costs nothing', async () => {
    const conversation = await newConversation(ada, quickModel)
    await ada.call('PATCH', `/conversations/${conversation.id}`, { systemPrompt: 'Be kind.' })
    const first = await say(conversation, 'One')
    await say(conversation, 'Two')
    const branch = Conversation.parse(await ada.post(`/conversations/${conversation.id}/messages/${first.id}/branch-off`))
    expect(branch).toMatchObject({ title: 'One (branch)', systemPrompt: 'Be kind.', costNanoUsd: '0', projectId: conversation.projectId })
    expect((await readMessages(ada, branch)).map(textOf)).toEqual(['One', 'Fine.'])
    await say(branch, 'Three')
    expect((await readMessages(ada, conversation)).map(textOf)).toEqual(['One', 'Fine.', 'Two', 'Fine.'])
  })

  test('with a summary begins empty, with what was said in its prompt, and the call is charged', async () => {
    const conversation = await newConversation(ada, quickModel)
    const answer = await say(conversation, 'We chose linen.')
    const branch = Conversation.parse(await ada.post(`/conversations/${conversation.id}/messages/${answer.id}/branch-off`, { summary: true, model: mock({ text: 'Linen was chosen.', reasoning: 'Hm.' }) }))
    expect(branch.systemPrompt).toBe('What was said before, in short:\n\nLinen was chosen.')
    expect(await readMessages(ada, branch)).toEqual([])
    const { items } = TracePage.parse(await ada.get(`/traces?conversationId=${conversation.id}`))
    expect(items).toHaveLength(2)
  })

  test('is not made when the summary cannot be', async () => {
    const conversation = await newConversation(ada, quickModel)
    const answer = await say(conversation, 'Hello')
    const before = ConversationPage.parse(await ada.get(`/projects/${conversation.projectId}/conversations?limit=100`)).conversations.length
    expect(await ada.call('POST', `/conversations/${conversation.id}/messages/${answer.id}/branch-off`, { summary: true, model: mock({ status: 400 }) })).toMatchObject({ status: 400 })
    expect(ConversationPage.parse(await ada.get(`/projects/${conversation.projectId}/conversations?limit=100`)).conversations).toHaveLength(before)
  })
})

describe('a temporary chat', () => {
  const ask = async (projectId: string, body: object) => {
    const response = await ada.fetch('POST', `/projects/${projectId}/temporary`, body)
    const text = await response.text()
    return { status: response.status, events: text.split('\n').filter(line => line.startsWith('data: ')).map(line => TemporaryEvent.parse(JSON.parse(line.slice(6)))) }
  }

  test('is answered and charged, traced without its words, and kept nowhere', async () => {
    const { projectId } = await newConversation(ada, quickModel)
    const before = ConversationPage.parse(await ada.get(`/projects/${projectId}/conversations?limit=100`))
    const { events } = await ask(projectId, { model: mock({ text: 'In confidence.' }), messages: [{ role: 'user', text: 'One' }, { role: 'assistant', text: 'Yes?' }, { role: 'user', text: 'A secret' }] })
    expect(lastRequest()).toMatchObject({ messages: expect.arrayContaining(['One', 'Yes?', 'A secret'].map(content => expect.objectContaining({ content }))) })
    const end = events.at(-1)
    expect(end).toMatchObject({ type: 'end', error: null, figures: { inputTokens: 10, outputTokens: 20 } })
    expect(events.map(event => event.type === 'delta' ? event.text : event.type === 'part' && event.part.type === 'text' ? event.part.text : '').join('')).toBe('In confidence.')
    const traceId = end?.type === 'end' ? end.figures?.traceId : undefined
    expect(Trace.parse(await ada.get(`/traces/${traceId}?include=bodies`))).toMatchObject({ requestBody: null, responseBody: null, conversationId: null, inputTokens: 10 })
    expect(ConversationPage.parse(await ada.get(`/projects/${projectId}/conversations?limit=100`))).toEqual(before)
    expect(await ada.get('/search?q=confidence')).toEqual({ hits: [] })
  })

  test('keeps no answer in the cache, and takes none from it, whatever the key says', async () => {
    const { projectId } = await newConversation(ada, quickModel)
    const { key } = CreatedApiKey.parse(await ada.post('/keys', { name: 'Caching', scopes: ['workspace', 'inference'], cacheTtlSeconds: 3_600 }))
    const question = { model: mock({ text: 'For nobody else.' }), messages: [{ role: 'user', text: 'Asked twice' }] }
    const askByKey = async () => {
      const response = await fetch(`${workbench.loom.url}/api/projects/${projectId}/temporary`, {
        method: 'POST', headers: { 'authorization': `Bearer ${key}`, 'content-type': 'application/json', 'x-loom-cache': 'on' }, body: JSON.stringify(question)
      })
      return { status: response.status, text: await response.text() }
    }
    const before = workbench.upstream.requests.length
    for (let times = 0; times < 2; times++) expect(await askByKey()).toMatchObject({ status: 200, text: expect.stringContaining('For nobody else.') })
    expect(workbench.upstream.requests.slice(before)).toHaveLength(2)
    // What the provider was asked, asked as a call that may be cached, is new to the cache, too.
    const same = { ...lastRequest(), model: question.model }
    const call = async () => {
      const response = await fetch(`${workbench.loom.url}/v1/chat/completions`, { method: 'POST', headers: { 'authorization': `Bearer ${key}`, 'content-type': 'application/json' }, body: JSON.stringify(same) })
      await response.text()
      return response.headers.get('x-loom-cache')
    }
    expect(await call()).toBe('miss')
    await until(async () => await call() === 'hit')
  })

  test('tells why it was not answered', async () => {
    const { projectId } = await newConversation(ada, quickModel)
    const { events } = await ask(projectId, { model: mock({ status: 400, errorBody: JSON.stringify({ error: { message: 'Not this.' } }) }), messages: [{ role: 'user', text: 'Hello' }] })
    expect(events.at(-1)).toMatchObject({ type: 'end', error: { message: expect.stringContaining('Not this.') } })
  })

  test.each<[string, object]>([
    ['no messages', { messages: [] }], ['an answer at the end', { messages: [{ role: 'assistant', text: 'x' }] }], ['a system message', { messages: [{ role: 'system', text: 'x' }, { role: 'user', text: 'x' }] }],
    ['too many messages', { messages: Array.from({ length: 401 }, () => ({ role: 'user', text: 'x' })) }], ['too much text', { messages: Array.from({ length: 5 }, () => ({ role: 'user', text: 'x'.repeat(500_000) })) }]
  ])('%s is refused', async (_, body) => {
    const { projectId } = await newConversation(ada, quickModel)
    expect((await ask(projectId, body)).status).toBe(400)
  })
})

describe('many conversations at once', () => {
  const bulk = (client: ChatClient, body: object) => client.call('POST', '/conversations/bulk', body)

  test('are archived, moved, deleted and restored together', async () => {
    const made = [await newConversation(ada, quickModel), await newConversation(ada, quickModel)]
    const ids = made.map(({ id }) => id)
    expect(await bulk(ada, { action: 'archive', ids })).toMatchObject({ status: 200, body: { changed: 2 } })
    for (const one of made) expect((await readConversation(ada, one)).archivedAt).not.toBeNull()
    await bulk(ada, { action: 'unarchive', ids })
    const project = Project.parse(await ada.post('/projects', { name: 'Elsewhere' }))
    await bulk(ada, { action: 'move', ids, projectId: project.id })
    for (const one of made) expect(await readConversation(ada, one)).toMatchObject({ projectId: project.id, archivedAt: null })
    await bulk(ada, { action: 'delete', ids })
    for (const one of made) expect(await ada.call('GET', `/conversations/${one.id}`)).toMatchObject({ status: 404 })
    expect(await bulk(ada, { action: 'restore', ids })).toMatchObject({ body: { changed: 2 } })
    for (const one of made) expect(await readConversation(ada, one)).toMatchObject({ projectId: project.id })
  })

  test('change all or none, and nobody else\'s', async () => {
    const own = await newConversation(ada, quickModel)
    const theirs = await newConversation(bob, 'demo')
    for (const action of ['archive', 'delete'] as const) {
      expect(await bulk(ada, { action, ids: [own.id, theirs.id] })).toMatchObject({ status: 404 })
      expect(await bulk(ada, { action, ids: [own.id, crypto.randomUUID()] })).toMatchObject({ status: 404 })
    }
    expect(await bulk(ada, { action: 'move', ids: [own.id], projectId: theirs.projectId })).toMatchObject({ status: 404 })
    expect(await readConversation(ada, own)).toMatchObject({ archivedAt: null, projectId: own.projectId })
    expect(await readConversation(bob, theirs)).toMatchObject({ archivedAt: null })
    for (const body of [{ action: 'archive', ids: [] }, { action: 'purge', ids: [own.id] }, { action: 'move', ids: [own.id] }, { action: 'archive', ids: Array.from({ length: 201 }, () => crypto.randomUUID()) }]) {
      expect(await bulk(ada, body)).toMatchObject({ status: 400 })
    }
  })

  test('that are deleted stop what is being written in them', async () => {
    const conversation = await newConversation(ada, slowModel)
    for await (const { event } of ada.events('POST', `/conversations/${conversation.id}/messages`, { text: 'Much, please' })) if (event.type === 'delta') break
    await bulk(ada, { action: 'delete', ids: [conversation.id] })
    await until(() => workbench.upstream.requests.at(-1)?.callerGone)
  })
})

/** A pixel. */
const DOT_PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='

/** An export without what is meant to differ: ids are places, and nothing was paid. */
function comparable({ createdAt: _, ...file }: ConversationExport) {
  const placeOf = (id: string | null) => file.messages.findIndex(message => message.id === id)
  return {
    ...file,
    shownMessageId: placeOf(file.shownMessageId),
    documents: file.documents.map(document => ({ ...document, messageId: placeOf(document.messageId) })),
    messages: file.messages.map(({ id, conversationId: _, parentId, siblingIds, ...message }) => ({
      ...message, place: placeOf(id), parent: placeOf(parentId), siblings: siblingIds.map(placeOf),
      inputTokens: null, outputTokens: null, cachedInputTokens: null, reasoningTokens: null, contextTokens: null, leftOutTurns: null, costNanoUsd: null, latencyMs: null, ttfbMs: null, traceId: null
    }))
  }
}

describe('an import', () => {
  const exported = async (conversation: Conversation) => ConversationExport.parse(await ada.get(`/conversations/${conversation.id}/export?format=json`))
  const put = (client: ChatClient, projectId: string, body: unknown) => client.call('POST', `/projects/${projectId}/import`, body)

  test('makes the same tree again, with ids of its own and nothing to pay', async () => {
    const conversation = await newConversation(ada, quickModel)
    const first = await say(conversation, 'One')
    await say(conversation, 'Two')
    await ada.readAll('POST', `/conversations/${conversation.id}/messages`, { text: 'Two, otherwise', parentId: first.id })
    await say(conversation, 'Fail', mock({ status: 400 }))
    const file = await exported(conversation)
    const answer = await put(ada, conversation.projectId, file)
    const copy = Conversation.parse(answer.body)
    expect(answer.status).toBe(201)
    expect(copy).toMatchObject({ title: file.title, costNanoUsd: '0', inputTokens: 0 })
    const again = await exported(copy)
    const shapeOf = ({ messages }: ConversationExport) => messages.map(message => ({
      at: messages.findIndex(({ id }) => id === message.parentId), role: message.role, status: message.status, error: message.error, siblings: message.siblingIds.length, createdAt: message.createdAt, parts: message.parts
    }))
    expect(shapeOf(again)).toEqual(shapeOf(file))
    expect(again.messages.map(({ id }) => id)).not.toContain(file.messages[0]?.id)
    expect(again.messages.every(({ costNanoUsd, traceId }) => costNanoUsd === null && traceId === null)).toBe(true)
    expect((await readMessages(ada, copy)).map(textOf)).toEqual((await readMessages(ada, conversation)).map(textOf))
    expect((await say(copy, 'Three')).status).toBe('complete')
  })

  test('counts the files that went with messages, which an export does not hold', async () => {
    const conversation = await newConversation(ada, quickModel)
    const files = new FileClient(workbench.loom, await signIn(workbench.loom, admin), conversation.projectId)
    const fileIds = [(await files.upload('pixel.png', PIXEL)).id, (await files.upload('notes.txt', 'Notes')).id]
    await ada.readAll('POST', `/conversations/${conversation.id}/messages`, { text: 'Look', fileIds })
    const { body } = await put(ada, conversation.projectId, await exported(conversation))
    const copy = ImportedConversation.parse(body)
    expect(copy.leftOutFiles).toBe(2)
    expect((await readMessages(ada, copy))[0]?.parts).toMatchObject([{ type: 'text', text: 'Look' }])
    expect((await put(ada, conversation.projectId, await exported(copy))).body).toMatchObject({ leftOutFiles: 0 })
  })

  test('takes nothing that is not an export, and stores nothing of it', async () => {
    const conversation = await newConversation(ada, quickModel)
    await say(conversation, 'One')
    const file = await exported(conversation)
    const [question, answer] = file.messages
    const before = ConversationPage.parse(await ada.get(`/projects/${conversation.projectId}/conversations?limit=100`)).conversations.length
    const broken: unknown[] = [
      {}, [], null, { ...file, format: 'other' }, { ...file, version: 3 }, { ...file, extra: 'x'.repeat(10), messages: 'none' },
      { ...file, messages: [answer, question] }, { ...file, messages: [question, question] }, { ...file, messages: [answer] }, { ...file, shownMessageId: crypto.randomUUID() },
      { ...file, messages: [{ ...question, status: 'streaming' }] }, { ...file, messages: [{ ...question, id: 'x' }] }, { ...file, messages: [{ ...question, parts: [{ type: 'script', index: 0 }] }] },
      { ...file, messages: [{ ...question, parts: [{ ...question?.parts[0], type: 'tool_result', toolCallId: 'c', toolName: 't', text: '', durationMs: 2 ** 31 }] }] },
      { ...file, documents: [{ messageId: answer?.id, partIndex: 0, encoding: 'text', content: 'Of no tool' }] }, { ...file, systemPrompt: 7 }, { ...file, parameters: { temperature: 9 } },
      { ...file, messages: [{ ...question, parts: question?.parts.map(part => ({ ...part, index: 5 })) }] }, { ...file, messages: [{ ...question, parentId: question?.id }] }
    ]
    for (const body of broken) expect(await put(ada, conversation.projectId, body), JSON.stringify(body)?.slice(0, 80)).toMatchObject({ status: 400 })
    expect(await put(bob, conversation.projectId, file)).toMatchObject({ status: 404 })
    expect(ConversationPage.parse(await ada.get(`/projects/${conversation.projectId}/conversations?limit=100`)).conversations).toHaveLength(before)
  })

  test('brings all of a conversation along: an export of the copy is the same, but for ids and what was paid', async () => {
    const { id: projectId } = Project.parse(await ada.post('/projects', { name: 'There and back' }))
    const conversation = Conversation.parse(await ada.post(`/projects/${projectId}/conversations`, { title: 'All of it', model: quickModel, systemPrompt: 'Answer in Latin.', parameters: { temperature: 1.5, maxTokens: 700 } }))
    const makes = async (text: string, ...calls: [name: string, input: object][]) => {
      workbench.upstream.respondWith({ toolCalls: calls.map(([name, input]) => ({ name, arguments: JSON.stringify(input) })) })
      await ada.readAll('POST', `/conversations/${conversation.id}/messages`, { text, tools: true })
    }
    await makes('Write', ['create_artifact', { path: 'notes.md', content: '# Notes ✓' }], ['calculate', { expression: '6 * 7' }])
    await makes('Draw', ['create_artifact', { path: 'dot.png', content: DOT_PNG }])
    await makes('Change', ['update_artifact', { path: 'notes.md', edits: [{ find: 'Notes', replace: 'More notes' }] }])
    const [question] = await readMessages(ada, conversation)
    await ada.readAll('POST', `/conversations/${conversation.id}/messages`, { text: 'Otherwise', parentId: question?.parentId })

    const file = await exported(conversation)
    expect(file).toMatchObject({ systemPrompt: 'Answer in Latin.', parameters: { temperature: 1.5, maxTokens: 700 }, tools: true })
    expect(file.documents.map(({ encoding, content }) => [encoding, content])).toEqual([['text', '# More notes ✓'], ['base64', DOT_PNG], ['text', '# Notes ✓']])
    const copy = Conversation.parse((await put(ada, projectId, file)).body)
    const again = await exported(copy)
    expect(comparable(again)).toEqual(comparable(file))

    const versions = ArtifactList.parse(await ada.get(`/conversations/${copy.id}/artifacts`)).artifacts
    expect(versions.map(({ path, version, mime }) => [path, version, mime])).toEqual([['dot.png', 1, 'image/png'], ['notes.md', 1, 'text/markdown'], ['notes.md', 2, 'text/markdown']])
    // The copy stands by itself: it has bytes of its own, and goes on from its newest version.
    await ada.call('DELETE', `/conversations/${conversation.id}`)
    expect(await (await ada.fetch('GET', `/artifacts/${versions[2]?.id}/content`)).text()).toBe('# More notes ✓')
  })

  test('takes files of the first version, which knew no settings and no documents', async () => {
    const conversation = Conversation.parse(await ada.post(`/projects/${(await newConversation(ada, quickModel)).projectId}/conversations`, { title: 'Old', model: quickModel, systemPrompt: 'Answer in Latin.' }))
    await say(conversation, 'One')
    const { systemPrompt: _, parameters: __, tools: ___, documents: ____, ...old } = await exported(conversation)
    const copy = Conversation.parse((await put(ada, conversation.projectId, { ...old, version: 1 })).body)
    expect(copy).toMatchObject({ title: 'Old', systemPrompt: '', parameters: {}, tools: false })
    expect((await readMessages(ada, copy)).map(textOf)).toEqual((await readMessages(ada, conversation)).map(textOf))
  })

  test('keeps nothing of a file with an image that is none, or a document under a path', async () => {
    const conversation = await newConversation(ada, quickModel)
    workbench.upstream.respondWith({ toolCalls: [{ name: 'create_artifact', arguments: JSON.stringify({ path: 'notes.md', content: 'Notes' }) }] })
    await ada.readAll('POST', `/conversations/${conversation.id}/messages`, { text: 'Write', tools: true })
    const file = await exported(conversation)
    const [document] = file.documents
    const named = (path: string) => ({ ...file, messages: file.messages.map(message => ({ ...message, parts: message.parts.map(part => part.type === 'tool_result' ? { ...part, artifact: { path, version: 1 } } : part) })) })
    for (const body of [
      { ...file, documents: [{ ...document, encoding: 'base64', content: btoa('<script>alert(1)</script>') }] }, { ...file, documents: [document, document] },
      { ...file, documents: [{ ...document, content: 'x'.repeat(500_001) }] }, named('../../etc/passwd')
    ]) expect((await put(ada, conversation.projectId, body)).status).toBe(400)
  })

  test('goes on from its end, also where that is an answer to nothing', async () => {
    const conversation = await newConversation(ada, quickModel)
    await say(conversation, 'One')
    const file = await exported(conversation)
    const [, answer] = file.messages
    const copy = Conversation.parse((await put(ada, conversation.projectId, { ...file, messages: [{ ...answer, parentId: null }] })).body)
    const [top] = await readMessages(ada, copy)
    await ada.readAll('POST', `/conversations/${copy.id}/messages`, { text: 'Two', parentId: top?.id })
    expect(await readMessages(ada, copy)).toMatchObject([{ id: top?.id, parentId: null }, { role: 'user', parentId: top?.id }, { role: 'assistant', status: 'complete' }])
  })

  test('takes characters no database stores, and as many messages as it says', async () => {
    const conversation = await newConversation(ada, quickModel)
    await say(conversation, 'One')
    const file = await exported(conversation)
    const [question] = file.messages
    let parentId: string | null = null
    const messages = Array.from({ length: 3_000 }, (_, index) => {
      const message = { ...question, id: crypto.randomUUID(), parentId, parts: question?.parts.map(part => ({ ...part, text: index === 0 ? 'a\0b\ud83d' : `Line ${index}` })) }
      parentId = message.id
      return message
    })
    const copy = Conversation.parse((await put(ada, conversation.projectId, { ...file, shownMessageId: parentId, messages })).body)
    const page = MessagePage.parse(await ada.get(`/conversations/${copy.id}/messages`))
    expect(textOf(page.messages.at(-1))).toBe('Line 2999')
  })
})
