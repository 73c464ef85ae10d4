import type OpenAI from 'openai'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { MockUpstream } from '../../support/mock-upstream'
import { startMockUpstream } from '../../support/mock-upstream'
import type { GatewayUnderTest } from '../../support/open-gateway'
import { model, openGateway } from '../../support/open-gateway'
import { signUp } from '../../support/set-up-loom'
import { until } from '../../support/until'

/** Two accounts of an org's own at OpenAI, one that all orgs share, and a server without the Responses API. */
const names = ['first', 'second', 'shared', 'translated'] as const
type Name = typeof names[number]

let gateway: GatewayUnderTest
let openai: OpenAI
let key: string
const upstreams = new Map<Name, MockUpstream>()
const connections = new Map<Name, unknown>()
let routes = 0
let answers = 0

beforeAll(async () => {
  gateway = await openGateway({ UPSTREAM_RETRIES: '0', SIGN_UP_OPEN: 'true', NEW_ORG_WALLET: 'unlimited' })
  key = (await gateway.createKey()).key
  openai = gateway.client(key)
  for (const name of names) {
    const upstream = await startMockUpstream()
    upstreams.set(name, upstream)
    const kind = name === 'translated' ? 'openai-compatible' : 'openai'
    connections.set(name, (await gateway.api('POST', '/api/connections', { kind, name, baseUrl: upstream.baseUrl, secret: 'sk-test', platform: name === 'shared' })).id)
  }
})
beforeEach(forget)
afterAll(async () => {
  await gateway.remove()
  for (const upstream of upstreams.values()) await upstream.stop()
})

function upstreamOf(name: Name): MockUpstream {
  const upstream = upstreams.get(name)
  if (!upstream) throw new Error(`${name} has not been started`)
  return upstream
}
const asked = () => names.flatMap(name => upstreamOf(name).requests.map(() => name))
function forget() {
  for (const upstream of upstreams.values()) upstream.reset()
}

/** Makes a route and waits until calls know it. A circuit is a connection's and a model's: a name of its own keeps each test's failures to itself. */
async function makeRoute(strategy: string, targets: readonly Name[]): Promise<string> {
  const alias = `route-${++routes}`
  await gateway.api('POST', '/api/models/routes', { alias, strategy, targets: targets.map(name => ({ connectionId: connections.get(name), upstreamModel: `${model}-${routes}` })) })
  await until(async () => (await fetch(`${gateway.loom.url}/v1/models/${alias}`, { headers: { authorization: `Bearer ${key}` } })).ok, { what: () => `the route ${alias} to be known` })
  return alias
}

/** Asks once, for an answer with ids that no other has, and tells who was asked. */
async function ask(alias: string, rest: object = {}, { stream = false, client = openai } = {}) {
  forget()
  answers++
  for (const name of names) upstreamOf(name).respondWith({ id: `${name}_${answers}`, reasoning: 'Hm' })
  const body = { model: alias, input: 'Hi', ...rest }
  const response = stream ? await client.responses.stream(body).finalResponse() : await client.responses.create(body)
  const idOf = (type: string) => response.output.find(item => item.type === type)?.id ?? ''
  const result = { id: response.id, item: idOf('message'), thought: idOf('reasoning'), asked: asked() }
  forget()
  return result
}
const goOn = (alias: string, id: string) => openai.responses.create({ model: alias, input: 'Go on', previous_response_id: id })
const user = { role: 'user' as const, content: 'Go on' }

test('chains over a route with two accounts go on at the one that gave the answer before, whatever its strategy says', async () => {
  const alias = await makeRoute('weighted', ['first', 'second'])
  for (let chain = 0; chain < 20; chain++) {
    const stream = chain % 2 === 1
    const begun = await ask(alias, {}, { stream })
    const next = await ask(alias, { previous_response_id: begun.id }, { stream })
    const last = await ask(alias, { input: [{ type: 'item_reference', id: next.item }, user] }, { stream })
    expect([next.asked, last.asked]).toEqual([begun.asked, begun.asked])
  }
})

test('no other is asked for it: what the one says that gave it is what its caller hears', async () => {
  const alias = await makeRoute('ordered', ['first', 'second'])
  upstreamOf('first').respondWith({ status: 500 })
  upstreamOf('second').respondWith({ id: 'of_second' })
  await openai.responses.create({ model: alias, input: 'Hi' })
  forget()
  upstreamOf('second').respondWith({ status: 503 })
  await expect(goOn(alias, 'resp_of_second')).rejects.toMatchObject({ status: 503 })
  expect(asked()).toEqual(['second'])
})

test('while that one rests its caller is told to come back, not what a model cannot do that was never asked before', async () => {
  const alias = await makeRoute('ordered', ['first', 'second', 'translated'])
  const { id } = await ask(alias)
  upstreamOf('first').respondWith({ status: 500 }, { times: 5 })
  for (let failures = 0; failures < 5; failures++) await expect(goOn(alias, id)).rejects.toMatchObject({ status: 500 })
  forget()
  await expect(goOn(alias, id)).rejects.toMatchObject({ status: 503, code: 'no_healthy_target' })
  expect(asked()).toEqual([])
})

test('what none is known to have given is asked for as the route says, and at the next where the first does not have it', async () => {
  const alias = await makeRoute('ordered', ['first', 'second'])
  expect(await ask(alias, { previous_response_id: 'resp_unknown' })).toMatchObject({ asked: ['first'] })
  upstreamOf('first').respondWith({ status: 404 })
  await goOn(alias, 'resp_unknown')
  expect(asked()).toEqual(['first', 'second'])
})

test('items that say all there is to them go where the route says, as they came', async () => {
  const { item } = await ask(await makeRoute('ordered', ['first', 'second']))
  const said = { type: 'message' as const, role: 'assistant' as const, id: item, status: 'completed' as const, content: [{ type: 'output_text' as const, text: 'Hello', annotations: [] }] }
  await openai.responses.create({ model: await makeRoute('ordered', ['second', 'first']), input: [said, user] })
  expect(asked()).toEqual(['second'])
  expect((await upstreamOf('second').received()).json.input).toEqual([said, user])
})

test('an answer over a route with one account of the org\'s own is not written down', async () => {
  const begun = await ask(await makeRoute('ordered', ['second']))
  expect(begun.asked).toEqual(['second'])
  expect(await ask(await makeRoute('ordered', ['first', 'second']), { previous_response_id: begun.id })).toMatchObject({ asked: ['first'] })
})

test('an account of one\'s own that gave it is asked before the one that all share, and the other way round', async () => {
  const [sharedFirst, ownFirst] = [await makeRoute('ordered', ['shared', 'first']), await makeRoute('ordered', ['first', 'shared'])]
  const [ofShared, ofFirst] = [await ask(sharedFirst), await ask(ownFirst)]
  expect(await ask(ownFirst, { previous_response_id: ofShared.id })).toMatchObject({ asked: ['shared'] })
  expect(await ask(sharedFirst, { previous_response_id: ofFirst.id })).toMatchObject({ asked: ['first'] })
})

test('what another org was given leads nobody anywhere', async () => {
  const alias = await makeRoute('ordered', ['first', 'shared', 'second'])
  const { cookie } = await signUp(gateway.loom, { name: 'Mallory', email: 'mallory@example.com', password: 'correct horse battery' })
  const made = await fetch(`${gateway.loom.url}/api/keys`, { method: 'POST', headers: { cookie, 'origin': gateway.loom.url, 'content-type': 'application/json' }, body: JSON.stringify({ name: 'test', scopes: ['inference'] }) })
  const client = gateway.client(String((await made.json()).key))
  const theirs = await ask(`shared/${model}`, {}, { client })
  expect(await ask(`shared/${model}`, { previous_response_id: theirs.id }, { client })).toMatchObject({ asked: ['shared'] })
  expect(await ask(alias, { previous_response_id: theirs.id })).toMatchObject({ asked: ['first'] })
})

test('thoughts that one account sealed are told to it first, and to the others when it fails, whose refusal hides nothing', async () => {
  const { thought, asked: gave } = await ask(await makeRoute('ordered', ['first', 'second']), { store: false })
  expect(gave).toEqual(['first'])
  const alias = await makeRoute('ordered', ['second', 'first'])
  const sealed = { type: 'reasoning' as const, id: thought, summary: [], encrypted_content: 'gAAAA' }
  const next = () => openai.responses.create({ model: alias, input: [sealed, user], store: false })
  await next()
  expect(asked()).toEqual(['first'])
  upstreamOf('first').respondWith({ status: 500 })
  await next()
  expect(asked()).toEqual(['first', 'first', 'second'])
  upstreamOf('first').respondWith({ status: 500 })
  upstreamOf('second').respondWith({ status: 400, errorBody: JSON.stringify({ error: { message: 'The encrypted content could not be verified.', code: 'invalid_encrypted_content' } }) })
  await expect(next()).rejects.toMatchObject({ status: 500 })
})
