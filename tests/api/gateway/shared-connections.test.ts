import OpenAI from 'openai'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { CreatedApiKey } from '../../../shared/keys'
import type { GatewayUnderTest } from '../../support/open-gateway'
import { openGateway } from '../../support/open-gateway'
import { signUp, Visitor } from '../../support/visitor'

/** Over the platform's connection, and over the org's own: one provider, which has the same answers for all. */
const shared = 'shared/gpt-4o-mini'
const own = 'mock/gpt-4o-mini'

let gateway: GatewayUnderTest
let openai: OpenAI
let sharedId: unknown

beforeAll(async () => {
  gateway = await openGateway()
  const { id } = await gateway.api('POST', '/api/connections', { kind: 'openai', name: 'shared', baseUrl: gateway.upstream.baseUrl, secret: 'sk-shared', platform: true })
  sharedId = id
  openai = gateway.client((await gateway.createKey()).key)
})
beforeEach(() => gateway.upstream.reset())
afterAll(() => gateway.remove())

const Session = z.object({ org: z.object({ id: z.string() }) })
let strangers = 0
/** Somebody of another org, who has learned every id there is. */
async function stranger(): Promise<OpenAI> {
  const visitor = await signUp(new Visitor(gateway.loom, { ...gateway.admin }), `stranger-${++strangers}@example.com`)
  const { org } = Session.parse((await visitor.succeed('GET', '/api/session')).body)
  await gateway.api('PATCH', `/api/platform/orgs/${org.id}/wallet`, { mode: 'unlimited' })
  return gateway.client(CreatedApiKey.parse((await visitor.succeed('POST', '/api/keys', { name: 'test' })).body).key)
}

const reference = (id: string) => ({ type: 'item_reference' as const, id })
const user = { role: 'user' as const, content: 'Go on' }
const ask = (client: OpenAI, rest: object, model = shared) => client.responses.create({ model, input: [user], ...rest })

/** What one answer, whole or streamed, is named by. */
async function answered(client: OpenAI, streamed: boolean) {
  gateway.upstream.respondWith({ toolCalls: [{ name: 'weather', arguments: '{}' }] })
  const { id, output } = streamed ? await client.responses.stream({ model: shared, input: 'Hi' }).finalResponse() : await client.responses.create({ model: shared, input: 'Hi' })
  gateway.upstream.reset()
  return { id, items: output.map(item => item.id ?? '') }
}

describe('an answer of a connection that all orgs share', () => {
  test.each([false, true])('is gone on from by the org that got it, and by no other (streamed: %s)', async (streamed) => {
    const { id, items } = await answered(openai, streamed)
    const other = await stranger()
    const asks = [{ previous_response_id: id }, { input: [...items.map(reference), user] }, { input: [...items.map(item => ({ id: item })), user] }]
    for (const rest of asks) await ask(openai, rest)
    expect(gateway.upstream.requests.map(({ json }) => json)).toMatchObject(asks)
    gateway.upstream.reset()
    await expect(ask(other, { previous_response_id: id })).rejects.toMatchObject({ status: 400, code: 'previous_response_not_found', param: 'previous_response_id', type: 'invalid_request_error', message: expect.stringContaining(`Previous response with id '${id}' not found.`) })
    for (const rest of asks.slice(1)) await expect(ask(other, rest)).rejects.toMatchObject({ status: 404, param: 'input', message: expect.stringContaining(`Item with id '${items[0]}' not found.`) })
    expect(gateway.upstream.requests).toHaveLength(0)
    // The mock calls all its answers the same: what this org is given is its own.
    await answered(other, streamed)
    for (const rest of asks) await ask(other, rest)
    expect(gateway.upstream.requests).toHaveLength(asks.length)
  })

  test('that broke off is gone on from, too', async () => {
    const other = await stranger()
    gateway.upstream.respondWith({ text: 'Once upon a time', chunks: 6, fault: 'half' })
    const broken = other.responses.stream({ model: shared, input: 'Hi' }).finalResponse()
    await expect(broken).rejects.toBeInstanceOf(OpenAI.APIError)
    gateway.upstream.reset()
    await ask(other, { previous_response_id: 'resp_mock' })
    await ask(other, { input: [reference('msg_mock'), user] })
    expect(gateway.upstream.requests).toHaveLength(2)
  })

  test('is no answer of another connection', async () => {
    const other = await stranger()
    await gateway.api('POST', '/api/connections', { kind: 'openai', name: 'second', baseUrl: gateway.upstream.baseUrl, secret: 'sk-second', platform: true })
    const { id } = await answered(other, false)
    await expect(ask(other, { previous_response_id: id }, 'second/gpt-4o-mini')).rejects.toMatchObject({ status: 400, code: 'previous_response_not_found' })
    expect(gateway.upstream.requests).toHaveLength(0)
  })
})

test('what else a provider keeps by its id alone is not asked for there: conversations, thoughts, what its tools did', async () => {
  const other = await stranger()
  for (const conversation of ['conv_1', { id: 'conv_1' }, { id: 7 }]) await expect(ask(other, { conversation })).rejects.toMatchObject({ status: 404, param: 'conversation' })
  for (const item of [{ type: 'reasoning', id: 'rs_1', summary: [] }, { type: 'image_generation_call', id: 'ig_1', result: null, status: 'completed' }, { type: 'reasoning', id: 'rs_1', summary: [], encrypted_content: '' }]) {
    await expect(ask(other, { input: [item, user] })).rejects.toMatchObject({ status: 404, param: 'input' })
  }
  expect(gateway.upstream.requests).toHaveLength(0)
})

test('items that say all there is to them go there without ids that are not the org\'s, and thoughts that came along with theirs', async () => {
  const other = await stranger()
  const said = { type: 'message', role: 'assistant', status: 'completed', content: [{ type: 'output_text', text: 'Hello', annotations: [] }] }
  const called = { type: 'function_call', call_id: 'c1', name: 'weather', arguments: '{}' }
  const thought = { type: 'reasoning', id: 'rs_1', summary: [], encrypted_content: 'gAAAA' }
  await ask(other, { input: [thought, { ...said, id: 'msg_mock' }, { ...called, id: 'fc_1' }, user] })
  expect((await gateway.upstream.received()).json.input).toEqual([thought, said, called, user])
  gateway.upstream.respondWith({ text: 'Hello' })
  await ask(other, {})
  await ask(other, { input: [{ ...said, id: 'msg_mock' }, { ...called, id: 'fc_1' }, user] })
  expect((await gateway.upstream.received(3)).json.input).toEqual([{ ...said, id: 'msg_mock' }, called, user])
})

test('a conversation that its caller keeps goes on there after a model that Loom translates for, which showed its thoughts', async () => {
  await gateway.api('POST', '/api/connections', { kind: 'openai-compatible', name: 'thinking', baseUrl: gateway.upstream.baseUrl, secret: 'sk-thinking' })
  gateway.upstream.respondWith({ text: 'Hello', reasoning: 'Hm.' })
  const { output } = await ask(openai, {}, 'thinking/gpt-4o-mini')
  expect(output).toMatchObject([{ type: 'reasoning', id: expect.stringMatching(/^rs_/) }, { type: 'message' }])
  gateway.upstream.reset()
  for (const model of [shared, own]) await ask(openai, { input: [user, ...output, user] }, model)
  const said = { type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'Hello' }] }
  for (const { json } of gateway.upstream.requests) expect(json.input).toMatchObject([user, said, user])
  expect(gateway.upstream.requests).toHaveLength(2)
})

test('an org\'s own connection is asked for whatever is named, and the only one where both could be', async () => {
  const named = { previous_response_id: 'resp_of_old', conversation: 'conv_1' }
  await ask(openai, named, own)
  expect((await gateway.upstream.received()).json).toMatchObject(named)
  const { id: privateId } = await gateway.api('POST', '/api/connections', { kind: 'openai', name: 'private', baseUrl: gateway.upstream.baseUrl, secret: 'sk-private' })
  const targets = [sharedId, privateId].map(connectionId => ({ connectionId, upstreamModel: 'gpt-4o-mini' }))
  await gateway.api('POST', '/api/models/routes', { alias: 'either', strategy: 'ordered', targets })
  await ask(openai, {}, 'either')
  await ask(openai, { previous_response_id: 'resp_of_old' }, 'either')
  expect(gateway.upstream.requests.slice(1).map(({ headers }) => headers.authorization)).toEqual(['Bearer sk-shared', 'Bearer sk-private'])
})

test('what was given there is asked for there first, wherever a route begins', async () => {
  const { id: firstId } = await gateway.api('POST', '/api/connections', { kind: 'openai', name: 'first', baseUrl: gateway.upstream.baseUrl, secret: 'sk-first' })
  const targets = [firstId, sharedId].map(connectionId => ({ connectionId, upstreamModel: 'gpt-4o-mini' }))
  await gateway.api('POST', '/api/models/routes', { alias: 'own-first', strategy: 'ordered', targets })
  const { id, items } = await answered(openai, false)
  gateway.upstream.reset()
  for (const rest of [{ previous_response_id: id }, { input: [...items.map(reference), user] }, { previous_response_id: 'resp_of_old' }, {}]) await ask(openai, rest, 'own-first')
  expect(gateway.upstream.requests.map(({ headers }) => headers.authorization)).toEqual(['Bearer sk-shared', 'Bearer sk-shared', 'Bearer sk-first', 'Bearer sk-first'])
})

test('a model that Loom translates for does not take over a conversation that the one before it has not', async () => {
  const { id: translatedId } = await gateway.api('POST', '/api/connections', { kind: 'openai-compatible', name: 'translated', baseUrl: gateway.upstream.baseUrl, secret: 'sk-translated' })
  const targets = [sharedId, translatedId].map(connectionId => ({ connectionId, upstreamModel: 'gpt-4o-mini' }))
  await gateway.api('POST', '/api/models/routes', { alias: 'translated-second', strategy: 'ordered', targets })
  await expect(ask(openai, { previous_response_id: 'resp_of_others' }, 'translated-second')).rejects.toMatchObject({ status: 400, code: 'previous_response_not_found' })
  await expect(ask(openai, { input: [{ type: 'reasoning', id: 'rs_1', summary: [] }, user] }, 'translated-second')).rejects.toMatchObject({ status: 404, param: 'input' })
  expect(gateway.upstream.requests).toHaveLength(0)
  await ask(openai, {}, 'translated-second')
  expect(gateway.upstream.requests).toHaveLength(1)
})

test('a dry run refuses what the call would be refused', async () => {
  const { key } = await gateway.createKey()
  const checked = await fetch(`${gateway.loom.url}/v1/policy/check`, { method: 'POST', headers: { 'authorization': `Bearer ${key}`, 'content-type': 'application/json' }, body: JSON.stringify({ endpoint: '/v1/responses', body: { model: shared, input: 'Hi', previous_response_id: 'resp_of_others' } }) })
  expect({ status: checked.status, body: await checked.json() }).toMatchObject({ status: 400, body: { error: { code: 'previous_response_not_found' } } })
})

test('an upload is named over connections of one\'s own alone: nobody else\'s can be', async () => {
  const edit = async (model: string, picture: object) => {
    const { key } = await gateway.createKey()
    const answer = await fetch(`${gateway.loom.url}/v1/images/edits`, { method: 'POST', headers: { 'authorization': `Bearer ${key}`, 'content-type': 'application/json' }, body: JSON.stringify({ model, prompt: 'A cat', images: [picture] }) })
    return { status: answer.status, body: await answer.json() }
  }
  expect(await edit('shared/gpt-image-1', { file_id: 'file-of-others' })).toMatchObject({ status: 400, body: { error: { param: 'file_id', message: expect.stringContaining('all organisations share') } } })
  expect(gateway.upstream.requests).toHaveLength(0)
  expect(await edit('mock/gpt-image-1', { file_id: 'file-of-ours' })).toMatchObject({ status: 200 })
  expect(await edit('shared/gpt-image-1', { image_url: 'https://pictures.example/cat.png' })).toMatchObject({ status: 200 })
})
