import { mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ArtifactList } from '../../shared/artifacts'
import { applyChatEvent } from '../../shared/apply-chat-event'
import type { ToolDecision } from '../../shared/answers'
import type { Conversation } from '../../shared/conversations'
import type { Message } from '../../shared/messages'
import { ProjectPage } from '../../shared/projects'
import { TracePage } from '../../shared/traces'
import type { ChatClient } from '../support/chat-client'
import { textOf } from '../support/chat-client'
import { FileClient } from '../support/file-client'
import { mock, newConversation, quickModel, readConversation, readMessages, startChatWorkbench } from '../support/chat-workbench'
import type { ChatWorkbench } from '../support/chat-workbench'
import { admin, signIn } from '../support/set-up-loom'
import { until } from '../support/until'

let workbench: ChatWorkbench
let ada: ChatClient

beforeAll(async () => {
  workbench = await startChatWorkbench()
  ada = workbench.ada
})
afterAll(() => workbench?.remove())

/** A pixel. */
const DOT_PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='

const send = (conversation: Conversation, text: string, tools = true) => ada.readAll('POST', `/conversations/${conversation.id}/messages`, { text, tools })
const results = (message: Message | undefined) => message?.parts.flatMap(part => part.type === 'tool_result' ? [part] : []) ?? []
/** What a model gets back that makes this call and then answers. */
async function callOnce(name: string, input: object) {
  const conversation = await newConversation(ada, quickModel)
  workbench.upstream.respondWith({ toolCalls: [{ name, arguments: JSON.stringify(input) }] })
  const { message } = await send(conversation, 'Go')
  expect(message).toMatchObject({ status: 'complete' })
  return results(message)[0]
}

describe('the tool loop', () => {
  test('calls a tool, gives the model its result, and answers with it; each step is traced and charged', async () => {
    const conversation = await newConversation(ada, 'demo')
    const { message } = await send(conversation, 'calculate "6 * 7"')
    expect(message).toMatchObject({ status: 'complete', parts: [{ type: 'tool_call', toolName: 'calculate' }, { type: 'tool_result', text: '42', failed: false }, { type: 'text' }] })
    expect(textOf(message)).toContain('42')
    expect((await readMessages(ada, conversation)).at(-1)).toEqual(message)
    const after = await readConversation(ada, conversation)
    expect(after).toMatchObject({ tools: true, toolCounts: { calculate: 1 }, costNanoUsd: message?.costNanoUsd, inputTokens: message?.inputTokens })
    expect(after.toolTimeMs).toBe(results(message)[0]?.durationMs)
    const { items: traces } = TracePage.parse(await ada.get(`/traces?conversationId=${conversation.id}`))
    expect(traces).toHaveLength(2)
    expect(traces.reduce((sum, { costNanoUsd }) => sum + BigInt(costNanoUsd), 0n).toString()).toBe(message?.costNanoUsd)
  })

  test('is not offered unless it is wanted', async () => {
    const conversation = await newConversation(ada, 'demo')
    const { message } = await send(conversation, 'calculate "6 * 7"', false)
    expect(message?.parts.map(({ type }) => type)).toEqual(['text'])
  })

  test('is offered to an answer that is asked for again, or gone on with, as is chosen then, and from then on', async () => {
    const conversation = await newConversation(ada, quickModel)
    const { message } = await send(conversation, 'Go', false)
    const offered = () => workbench.upstream.requests.at(-1)?.json.tools !== undefined
    const again = (what: 'retry' | 'continue', body: object) => ada.readAll('POST', `/conversations/${conversation.id}/messages/${message?.id}/${what}`, body)
    const told: boolean[] = []
    for (const tools of [true, undefined, false]) {
      await again('retry', { tools })
      told.push(offered())
    }
    expect(told).toEqual([true, true, false])
    await again('continue', { tools: true })
    expect(offered()).toBe(true)
    expect(await readConversation(ada, conversation)).toMatchObject({ tools: true })
  })

  test('ends a model that only ever calls, with a clear message and all it cost', async () => {
    const conversation = await newConversation(ada, mock({ toolCalls: [{ name: 'search_project', arguments: '{"query":"xyzzy"}' }], usage: { inputTokens: 5, outputTokens: 3 } }))
    const { message } = await send(conversation, 'Go on for ever')
    expect(message).toMatchObject({ status: 'error', error: { code: 'tool_limit' }, inputTokens: 60, outputTokens: 36, contextTokens: 8 })
    expect(message?.error?.message).toContain('12 times')
    expect(results(message)).toHaveLength(11)
    expect(new Set(message?.parts.flatMap(part => part.type === 'tool_call' ? [part.toolCallId] : [])).size).toBe(12)
  })

  test('runs the calls of a step side by side, and tells the model what they cannot do', async () => {
    const toolCalls = [{ name: 'calculate', arguments: '{"expression":"2^10"}' }, { name: 'no_such_tool', arguments: '{}' }, { name: 'calculate', arguments: '{"expr' }, { name: 'calculate', arguments: '{"expression":""}' }]
    const conversation = await newConversation(ada, quickModel)
    workbench.upstream.respondWith({ toolCalls })
    const first = results((await send(conversation, 'Go')).message).slice(0, 4).map(({ text, failed }) => ({ text: text.slice(0, 40), failed }))
    expect(first).toContainEqual({ text: '1024', failed: false })
    expect(first).toContainEqual({ text: 'There is no tool no_such_tool.', failed: true })
    expect(first).toContainEqual({ text: 'The arguments are not valid JSON. Write ', failed: true })
    expect(first.filter(({ failed }) => failed)).toHaveLength(3)
  })

  test('runs each of several calls that a server streams under one index', async () => {
    const conversation = await newConversation(ada, quickModel)
    workbench.upstream.respondWith({ toolCalls: ['1+1', '2+2'].map(expression => ({ name: 'calculate', arguments: JSON.stringify({ expression }) })), callIndexes: 'shared' })
    const { message } = await send(conversation, 'Twice')
    expect(results(message).map(({ text }) => text).sort()).toEqual(['2', '4'])
  })

  test('stops when somebody stops it, and the next message sees only what came to an end', async () => {
    const conversation = await newConversation(ada, mock({ toolCalls: [{ name: 'search_project', arguments: '{"query":"xyzzy"}' }] }))
    for await (const { event } of ada.events('POST', `/conversations/${conversation.id}/messages`, { text: 'Go', tools: true })) {
      if (event.type === 'part' && event.part.type === 'tool_result') break
    }
    await ada.post(`/conversations/${conversation.id}/stop`)
    await until(async () => (await readMessages(ada, conversation)).at(-1)?.status === 'aborted')
    await ada.readAll('POST', `/conversations/${conversation.id}/messages`, { text: 'And now?', tools: true, model: quickModel })
    const asked = JSON.stringify(workbench.upstream.requests.at(-1)?.json.messages)
    expect(asked.split('"tool_call_id"').length).toBe(asked.split('"type":"function"').length)
    expect(asked).toContain('"content":"Nothing was found."')
  })
})

describe('calculate', () => {
  test.each([
    ['5 cm to inch', '1.9685039370079 inch'], ['9!', '362880'], ['det([1, 2; 3, 4])', '-2'], ['round((1.02^10 - 1) * 350, 2)', '76.65']
  ])('knows %s', async (expression, text) => {
    expect(await callOnce('calculate', { expression })).toMatchObject({ text, failed: false })
  })

  test.each(['import({a: 1})', 'createUnit("foo")', 'config({number: "BigNumber"})', 'evaluate("1+1")', 'parse("1")', 'cos.constructor("return process")()', 'zeros(40000, 40000)', '"a".constructor'])(
    'refuses %s', async (expression) => {
      expect(await callOnce('calculate', { expression })).toMatchObject({ failed: true })
    })
})

test('the project\'s files and conversations are found', async () => {
  const { projects } = ProjectPage.parse(await ada.get('/projects'))
  const files = new FileClient(workbench.loom, await signIn(workbench.loom, admin), projects[0]?.id ?? '')
  const file = await files.upload('weaving.md', 'The heddle lifts the warp.', 'text/markdown', '&inProject=true')
  const earlier = await newConversation(ada, quickModel)
  await send(earlier, 'Who invented the heddle frame?', false)
  const found = await callOnce('search_project', { query: 'heddle' })
  expect(found?.text).toContain('heddle lifts the warp')
  expect(found?.text).toContain('Conversation “Who invented the heddle frame?”')
  expect((await callOnce('search_project', { query: 'xyzzy' }))?.text).toBe('Nothing was found.')
  await ada.call('DELETE', `/files/${file.id}`)
})

describe('reading web pages', () => {
  const callsPage = (url: string, times = 1) => workbench.upstream.respondWith({ toolCalls: [{ name: 'fetch_web_page', arguments: JSON.stringify({ url }) }] }, { times })

  /** Lets the answer run, with a decision each time it asks; the last one for all further ones. */
  async function decide(conversation: Conversation, decisions: readonly ToolDecision[]) {
    let message: Message | undefined
    let asked = 0
    for await (const { event } of ada.events('POST', `/conversations/${conversation.id}/messages`, { text: 'Go', tools: true })) {
      message = applyChatEvent(message, event)
      if (event.type !== 'approval' || event.approval !== 'asked') continue
      const call = message?.parts[event.index]
      const decision = decisions[Math.min(asked++, decisions.length - 1)]
      if (call?.type === 'tool_call') await ada.post(`/conversations/${conversation.id}/decisions`, { toolCallId: call.toolCallId, decision })
    }
    return { message, asked }
  }

  test('is off until an admin turns it on, and then asks each time', async () => {
    expect((await callOnce('fetch_web_page', { url: 'https://example.com' }))?.text).toBe('There is no tool fetch_web_page.')
    await ada.call('PATCH', '/orgs/current', { webTools: true })
    callsPage('http://127.0.0.1:1/', 4)
    const { message, asked } = await decide(await newConversation(ada, quickModel), ['deny', 'once', 'always'])
    expect(asked).toBe(3)
    const [denied, ...allowed] = results(message)
    expect(denied).toMatchObject({ text: 'The user did not allow this call.', failed: true, durationMs: 0 })
    expect(allowed.every(({ text, failed }) => failed && text === 'Only public pages can be read.')).toBe(true)
    expect(message?.parts.flatMap(part => part.type === 'tool_call' && part.approval ? [part.approval] : [])).toEqual(['denied', 'allowed', 'allowed'])
    expect(allowed).toHaveLength(3)
  })

  test.each(['http://localhost/', 'http://10.0.0.1/', 'http://169.254.169.254/latest/meta-data', 'http://[::1]/', 'http://user:secret@example.com/', 'file:///etc/passwd', 'http://2130706433/'])(
    'never leads to %s', async (url) => {
      await ada.call('PATCH', '/orgs/current', { webTools: true })
      callsPage(url)
      const { message } = await decide(await newConversation(ada, quickModel), ['once'])
      expect(results(message)).toMatchObject([{ failed: true }])
    })
})

describe('documents', () => {
  const list = async ({ id }: Conversation) => ArtifactList.parse(await ada.get(`/conversations/${id}/artifacts`)).artifacts

  test('are kept in versions, changed by edits, and downloaded as text', async () => {
    const conversation = await newConversation(ada, 'demo')
    const { message } = await send(conversation, 'create artifact, please')
    expect(results(message)).toMatchObject([{ toolName: 'create_artifact', failed: false, artifact: { path: 'notes.md', version: 1 } }])
    await send(conversation, 'update artifact, please')
    const [first, second, ...none] = await list(conversation)
    expect([first, second, none]).toMatchObject([{ path: 'notes.md', version: 1, mime: 'text/markdown' }, { path: 'notes.md', version: 2 }, []])
    const response = await ada.fetch('GET', `/artifacts/${second?.id}/content`)
    expect(await response.text()).toContain('Written and changed by')
    expect(response.headers.get('content-disposition')).toContain('attachment; filename="notes.md"')
    expect(response.headers.get('etag')).toBe(`"${second?.sha256}"`)

    const copies = [await ada.post(`/conversations/${conversation.id}/duplicate`), await ada.post(`/conversations/${conversation.id}/messages/${(await readMessages(ada, conversation)).at(-1)?.id}/branch-off`)]
    for (const copy of copies) expect((await list({ ...conversation, ...Object(copy) })).map(({ version, sha256 }) => ({ version, sha256 }))).toEqual([first, second].map(artifact => ({ version: artifact?.version, sha256: artifact?.sha256 })))
  })

  test('keep to a harmless name, and are a page only inside the app\'s own frame', async () => {
    const conversation = await newConversation(ada, quickModel)
    workbench.upstream.respondWith({ toolCalls: [{ name: 'create_artifact', arguments: JSON.stringify({ path: '../../../etc/evil.html', content: '<script>alert(1)</script>' }) }] })
    await send(conversation, 'Go')
    const [made] = await list(conversation)
    expect(made).toMatchObject({ path: 'evil.html', mime: 'text/html' })
    const opened = await ada.fetch('GET', `/artifacts/${made?.id}/preview`)
    expect(opened.headers.get('content-type')).toBe('text/plain; charset=utf-8')
    expect(opened.headers.get('content-disposition')).toContain('attachment')
  })

  test('that cannot be stored are told to the model, and the answer goes on with all it cost', async () => {
    const folder = join(workbench.loom.env.LOOM_DATA_DIR ?? '', 'files')
    await mkdir(folder, { recursive: true })
    await rename(folder, `${folder}.away`)
    await writeFile(folder, 'No folder')
    try {
      const conversation = await newConversation(ada, quickModel)
      workbench.upstream.respondWith({ toolCalls: [{ name: 'create_artifact', arguments: JSON.stringify({ path: 'lost.md', content: 'Lost' }) }], usage: { inputTokens: 5, outputTokens: 3 } })
      const { message } = await send(conversation, 'Go')
      expect(results(message)).toMatchObject([{ failed: true, text: 'lost.md could not be stored on our side.' }])
      expect(message?.status).toBe('complete')
      expect(textOf(message)).toBe('Fine.')
      expect(message?.inputTokens, 'of both calls').toBeGreaterThan(5)
      expect((await readConversation(ada, conversation)).inputTokens).toBe(message?.inputTokens)
    } finally {
      await rm(folder)
      await rename(`${folder}.away`, folder)
    }
  })

  test('may be images: known by their bytes, whatever they are called, and sent as what they are', async () => {
    const conversation = await newConversation(ada, quickModel)
    const write = async (name: string, input: object) => {
      workbench.upstream.respondWith({ toolCalls: [{ name, arguments: JSON.stringify(input) }] })
      return results((await send(conversation, 'Go')).message)
    }
    expect(await write('create_artifact', { path: 'dot.png', content: DOT_PNG })).toMatchObject([{ failed: false, artifact: { path: 'dot.png', version: 1 } }])
    expect(await write('create_artifact', { path: 'dot.jpg', content: `data:image/jpeg;base64,${DOT_PNG}` })).toMatchObject([{ failed: false }])
    for (const content of ['<script>alert(1)</script>', btoa('<script>alert(1)</script>'), `data:image/png;base64,${btoa('<svg onload="alert(1)"/>')}`, '']) {
      expect(await write('create_artifact', { path: 'fake.png', content }), content).toMatchObject([{ failed: true, text: expect.stringContaining('is no image') }])
    }
    expect(await write('update_artifact', { path: 'dot.png', edits: [{ find: 'P', replace: 'Q' }] })).toMatchObject([{ failed: true }])

    const made = await list(conversation)
    expect(made).toMatchObject([{ path: 'dot.jpg', mime: 'image/png' }, { path: 'dot.png', mime: 'image/png', sizeBytes: Buffer.from(DOT_PNG, 'base64').length }])
    for (const place of ['content', 'preview']) {
      const response = await ada.fetch('GET', `/artifacts/${made[1]?.id}/${place}`, undefined, undefined, { 'sec-fetch-dest': 'iframe' })
      expect(Object.fromEntries(response.headers), place).toMatchObject({ 'content-type': 'image/png', 'x-content-type-options': 'nosniff', 'content-security-policy': 'default-src \'none\'; sandbox' })
      expect(Buffer.from(await response.arrayBuffer()).toString('base64'), place).toBe(DOT_PNG)
    }
  })

  test('are gone with their conversation', async () => {
    const conversation = await newConversation(ada, 'demo')
    await send(conversation, 'create artifact')
    const [made] = await list(conversation)
    await ada.call('DELETE', `/conversations/${conversation.id}`)
    expect((await ada.call('GET', `/artifacts/${made?.id}/content`)).status).toBe(404)
  })
})
