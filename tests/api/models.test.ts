import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { ModelList } from '../../shared/catalog'
import { ChatClient } from '../support/chat-client'
import { setUpLoom } from '../support/set-up-loom'
import type { Session } from '../support/set-up-loom'
import { startLoom } from '../support/start-loom'
import type { LoomServer } from '../support/loom-server'

let loom: LoomServer
let session: Session

beforeAll(async () => {
  loom = await startLoom({ env: { OPENAI_API_KEY: 'sk-test', OPENAI_BASE_URL: 'http://127.0.0.1:9/v1' } })
  session = await setUpLoom(loom)
})
afterAll(() => loom?.remove())

async function createKey(rest: Record<string, unknown> = {}): Promise<string> {
  const response = await fetch(`${loom.url}/api/keys`, {
    method: 'POST',
    headers: { ...session, 'origin': loom.url, 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'models', scopes: ['inference'], ...rest })
  })
  return z.object({ key: z.string() }).parse(await response.json()).key
}

const Created = z.object({ id: z.string() })

const sdk = (apiKey: string) => new OpenAI({ apiKey, baseURL: `${loom.url}/v1`, maxRetries: 0 })

describe('GET /v1/models', () => {
  test('lists through the official SDK what may be called, priced', async () => {
    const { data } = await sdk(await createKey()).models.list()
    expect(data.map(model => model.id)).toEqual(expect.arrayContaining(['demo', 'gpt-4o-mini']))
    expect(data.find(model => model.id === 'gpt-4o-mini')).toMatchObject({ object: 'model', provider: 'openai', context_window: 128_000, pricing: { prompt: '0.00000015', completion: '0.0000006' } })
  })

  test('lists what OpenAI serves by responses alone; a chat is told of what it cannot ask', async () => {
    const client = sdk(await createKey())
    expect((await client.models.list()).data.find(model => model.id === 'gpt-5.3-codex')).toMatchObject({ mode: 'responses', provider: 'openai' })
    const chat = client.chat.completions.create({ model: 'o3-deep-research', messages: [{ role: 'user', content: 'Hi' }] })
    await expect(chat).rejects.toMatchObject({ status: 400, param: 'model', message: expect.stringContaining('/v1/responses') })
  })

  test('shows a key with an allow-list that list alone', async () => {
    const client = sdk(await createKey({ allowedModels: ['openai/gpt-5', 'demo'] }))
    expect((await client.models.list()).data.map(model => model.id).sort()).toEqual(['demo', 'openai/gpt-5'])
    await expect(client.models.retrieve('gpt-4o-mini')).rejects.toMatchObject({ status: 404, code: 'model_not_found' })
  })

  test('refuses strangers and keys without the scope', async () => {
    await expect(sdk('loom_sk_wrong').models.list()).rejects.toMatchObject({ status: 401 })
    await expect(sdk(await createKey({ scopes: ['traces'] })).models.list()).rejects.toMatchObject({ status: 403, code: 'insufficient_scope' })
  })
})

describe('GET /v1/models/{id}', () => {
  test('finds ids with slashes, escaped or not', async () => {
    const key = await createKey()
    expect(await sdk(key).models.retrieve('openai/gpt-4o')).toMatchObject({ id: 'openai/gpt-4o' })
    const plain = await fetch(`${loom.url}/v1/models/openai/gpt-4o`, { headers: { authorization: `Bearer ${key}` } })
    expect(await plain.json()).toMatchObject({ id: 'openai/gpt-4o', object: 'model' })
  })

  test('answers an unknown one with 404 model_not_found', async () => {
    await expect(sdk(await createKey()).models.retrieve('no/such/model')).rejects.toMatchObject({ status: 404, code: 'model_not_found' })
  })
})

test('GET /api/models leaves out what the caller may not call, as /v1/models does', async () => {
  const put = async (policy: object) => {
    const response = await fetch(`${loom.url}/api/orgs/current/policy`, { method: 'PUT', headers: { ...session, 'origin': loom.url, 'content-type': 'application/json' }, body: JSON.stringify({ policy }) })
    expect(response.status).toBe(200)
  }
  const client = sdk(await createKey())
  const inBrowser = async () => ModelList.parse(await (await fetch(`${loom.url}/api/models`, { headers: { ...session } })).json()).models.map(({ id }) => id)
  const onWire = async () => (await client.models.list()).data.map(({ id }) => id)
  const all = await inBrowser()
  expect(all).toContain('gpt-4o')
  await put({ deniedModels: ['gpt-4o', 'demo*'] })
  try {
    const left = all.filter(id => id !== 'gpt-4o' && !id.startsWith('demo'))
    expect(await inBrowser()).toEqual(left)
    await expect.poll(onWire, { timeout: 15_000 }).toEqual(left)
  } finally {
    await put({})
  }
  expect(await inBrowser()).toEqual(all)
})

test('a chat in which nobody chose a model is answered by the first that its caller may call', async () => {
  const chat = new ChatClient(loom, session)
  const [first, second] = ModelList.parse(await chat.get('/models')).models.filter(({ mode }) => mode === 'chat')
  const { id: projectId } = Created.parse(await chat.post('/projects', { name: 'Anything goes' }))
  const { id } = Created.parse(await chat.post(`/projects/${projectId}/conversations`))
  await chat.call('PUT', '/orgs/current/policy', { policy: { deniedModels: [first?.id] } })
  try {
    const { message } = await chat.readAll('POST', `/conversations/${id}/messages`, { text: 'Hello' })
    expect(message?.model).toBe(second?.id)
    expect(message?.error?.code).not.toBe('model_not_allowed')
  } finally {
    await chat.call('PUT', '/orgs/current/policy', { policy: {} })
  }
})

test('a route to a model that speaks responses alone, and then to another, is one for chats', async () => {
  const chat = new ChatClient(loom, session)
  const { connections } = z.object({ connections: z.array(z.object({ id: z.string(), kind: z.string() })) }).parse(await chat.get('/connections'))
  const connectionId = connections.find(({ kind }) => kind === 'openai')?.id
  await chat.post('/models/routes', { alias: 'coder', targets: ['gpt-5.3-codex', 'gpt-4o'].map((upstreamModel, priority) => ({ connectionId, upstreamModel, priority })) })
  expect(ModelList.parse(await chat.get('/models')).models.find(({ id }) => id === 'coder')).toMatchObject({ mode: 'chat', upstreamModel: 'gpt-5.3-codex' })
})

test('GET /api/models gives the browser the same models, its prices as integers', async () => {
  const response = await fetch(`${loom.url}/api/models`, { headers: { ...session } })
  const { models } = ModelList.parse(await response.json())
  expect(models.find(model => model.id === 'demo')).toMatchObject({ provider: 'demo', platform: true, price: { source: 'demo', inputNanoUsd: '100000000', outputNanoUsd: '400000000' } })
  expect((await fetch(`${loom.url}/api/models`)).status).toBe(401)
})
