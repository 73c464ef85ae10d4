import { randomUUID } from 'node:crypto'
import type OpenAI from 'openai'
import { AuthenticationError, BadRequestError, toFile } from 'openai'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { CreatedApiKey } from '../../../shared/keys'
import { checkLedgerOf } from '../../support/check-ledger'
import type { GatewayUnderTest } from '../../support/open-gateway'
import { MockBehaviour } from '../../support/mock-upstream/behaviour'
import { imageEvents } from '../../support/mock-upstream/media-answer'
import { openGateway } from '../../support/open-gateway'
import { until } from '../../support/until'
import { signUp, Visitor } from '../../support/visitor'

let gateway: GatewayUnderTest
let key: string
let client: OpenAI

beforeAll(async () => {
  gateway = await openGateway({ NEW_ORG_WALLET: 'prepaid', MAX_UPLOAD_BYTES: String(2 * 1024 * 1024), GEMINI_API_KEY: 'sk-google', ANTHROPIC_API_KEY: 'sk-anthropic' })
  await gateway.api('PATCH', `/api/platform/orgs/${gateway.orgId}/wallet`, { mode: 'prepaid' })
  await gateway.api('POST', `/api/platform/orgs/${gateway.orgId}/funds`, { amountUsd: '50', refId: 'media' })
  await gateway.api('POST', '/api/connections', { kind: 'openai-compatible', name: 'own', baseUrl: gateway.upstream.baseUrl, secret: 'sk-own' })
  await gateway.api('POST', '/api/connections', { kind: 'azure', name: 'azure', baseUrl: gateway.upstream.url, secret: 'sk-own' })
  await gateway.api('POST', '/api/connections', { kind: 'azure', name: 'azure-v1', baseUrl: gateway.upstream.url, secret: 'sk-own', config: { apiVersion: 'v1' } })
  await gateway.api('POST', '/api/connections', { kind: 'google', name: 'gemini', baseUrl: gateway.upstream.url, secret: 'sk-own' })
  key = (await gateway.createKey()).key
  client = gateway.client(key)
})
beforeEach(() => gateway.upstream.reset())
afterAll(async () => {
  await gateway.loom.stop()
  expect(await checkLedgerOf(gateway.loom)).toContain('The ledger is exact')
  await gateway.remove()
})

const usage = { inputTokens: 100, outputTokens: 400 }
const inForm = (fields: Record<string, string>, pictures: string[]) => {
  const form = new FormData()
  for (const [field, text] of Object.entries(fields)) form.append(field, text)
  for (const picture of pictures) form.append('image', new Blob(['PNG, or something like it'], { type: 'image/png' }), picture)
  return form
}
const sound = () => toFile(Buffer.from('RIFF, or something like it'), 'talk.wav', { type: 'audio/wav' })

/** The trace of the newest call, its bodies read. */
async function lastTrace() {
  const read = async (path: string) => (await fetch(`${gateway.loom.url}/v1/${path}`, { headers: { authorization: `Bearer ${key}` } })).json()
  const list: { data: { id: string }[] } = await read('traces?limit=1')
  const { request_body: request, response_body: response, ...trace } = await read(`traces/${list.data[0]?.id}?include=bodies`)
  return { ...trace, request: JSON.parse(request), response: JSON.parse(response) }
}

async function spend(call: () => Promise<unknown>): Promise<bigint> {
  const balance = async () => {
    const { balanceNanoUsd, heldNanoUsd } = await gateway.api('GET', '/api/wallet')
    return { balance: BigInt(String(balanceNanoUsd)), held: BigInt(String(heldNanoUsd)) }
  }
  const before = await balance()
  await call()
  const after = await until(async () => {
    const now = await balance()
    return now.held === 0n ? now : undefined
  })
  return before.balance - after.balance
}

describe('POST /v1/embeddings', () => {
  const model = 'text-embedding-3-small'

  test('gives vectors to the SDK, which asks for base64 unseen, charged by the input alone', async () => {
    gateway.upstream.respondWith({ usage })
    const cost = await spend(async () => {
      const { data } = await client.embeddings.create({ model, input: ['Hello', 'Hi'] })
      expect(data.map(({ embedding }) => embedding)).toEqual([[5, 0, 0.5], [2, 1, 0.5]])
    })
    expect(cost).toBe(2_000n)
    expect((await gateway.upstream.received()).json).toMatchObject({ model, encoding_format: 'base64' })
  })

  test('gives floats when asked, and takes tokens for texts', async () => {
    const { data } = await client.embeddings.create({ model, input: [[1, 2], [3]], encoding_format: 'float' })
    expect(data).toHaveLength(2)
    expect(data[0]?.embedding).toHaveLength(3)
  })

  test('is counted here where the provider tells no usage', async () => {
    gateway.upstream.respondWith({ usage: false })
    expect(await spend(() => client.embeddings.create({ model, input: 'Hello there, how are you?' }))).toBe(140n)
  })

  test.each([['where the provider tells none', model], ['from Gemini, which never does', 'gemini/gemini-embedding-001']])('tells the usage that is charged, %s', async (_, name) => {
    gateway.upstream.respondWith({ usage: false })
    const { usage: told } = await client.embeddings.create({ model: name, input: 'Hello there, how are you?' })
    const { input_tokens: charged } = await lastTrace()
    expect(told).toEqual({ prompt_tokens: charged, total_tokens: charged })
    expect(charged).toBeGreaterThan(0)
  })

  test('reaches Gemini in its own format, answered in OpenAI\'s', async () => {
    const { data } = await client.embeddings.create({ model: 'gemini/gemini-embedding-001', input: ['a', 'b'], dimensions: 2 })
    // Of length 1, as OpenAI's are.
    expect(data.map(({ embedding }) => embedding)).toEqual([[0, 1], [expect.closeTo(0.894427), expect.closeTo(0.447214)]])
    expect(await gateway.upstream.received()).toMatchObject({
      path: '/v1beta/models/gemini-embedding-001:batchEmbedContents',
      json: { requests: [{ model: 'models/gemini-embedding-001', content: { parts: [{ text: 'a' }] }, outputDimensionality: 2 }, {}] }
    })
  })

  test('keeps no vector in the trace', async () => {
    await client.embeddings.create({ model, input: 'Hello', encoding_format: 'float' })
    expect(await lastTrace()).toMatchObject({ response: { data: [{ index: 0, dimensions: 3 }] } })
  })

  test.each([
    ['no input', { model }],
    ['an empty list', { model, input: [] }],
    ['a number', { model, input: 7 }],
    ['pictures', { model, input: [{ image: 'https://x.example/a.png' }] }],
    ['more than 2,048 texts', { model, input: Array.from({ length: 2_049 }, () => 'a') }]
  ])('refuses %s, naming the field', async (_, body) => {
    expect(await post('embeddings', body)).toMatchObject({ status: 400, body: { error: { param: 'input' } } })
    expect(gateway.upstream.requests).toHaveLength(0)
  })
})

describe('POST /v1/images/generations', () => {
  test('is charged by the tokens the provider tells, text apart from pictures', async () => {
    gateway.upstream.respondWith({ usage, text: 'picture' })
    const cost = await spend(async () => {
      const { data } = await client.images.generate({ model: 'gpt-image-1', prompt: 'A cat' })
      expect(Buffer.from(data?.[0]?.b64_json ?? '', 'base64').toString()).toBe('picture')
    })
    // 100 text tokens at $5 and 400 picture tokens at $40 per million.
    expect(cost).toBe(100n * 5_000n + 400n * 40_000n)
    expect(await lastTrace()).toMatchObject({ response: { data: [{ base64_characters: 12 }] } })
  })

  test('is estimated by quality and size where no usage is told, never free', async () => {
    gateway.upstream.respondWith({ usage: false })
    const cost = await spend(() => client.images.generate({ model: 'gpt-image-1', prompt: 'A cat', n: 2, quality: 'low', size: '1024x1024' }))
    expect(cost).toBeGreaterThanOrEqual(2n * 272n * 40_000n)
    expect(await lastTrace()).toMatchObject({ output_tokens: 544 })
  })

  test('streams, the usage of its last event charged', async () => {
    gateway.upstream.respondWith({ usage })
    const cost = await spend(async () => {
      const stream = await client.images.generate({ model: 'gpt-image-1', prompt: 'A cat', stream: true, partial_images: 1 })
      const types = []
      for await (const event of stream) types.push(event.type)
      expect(types).toEqual(['image_generation.partial_image', 'image_generation.completed'])
    })
    expect(cost).toBe(100n * 5_000n + 400n * 40_000n)
  })

  test.each(['half', 'error-event'] as const)('that breaks off in its stream (%s) ends with an error event, charged for what was delivered', async (fault) => {
    gateway.upstream.respondWith({ usage, fault })
    const types: string[] = []
    const cost = await spend(async () => {
      const stream = await client.images.generate({ model: 'gpt-image-1', prompt: 'A cat', stream: true, partial_images: 1 })
      await expect(async () => {
        for await (const event of stream) types.push(event.type)
      }).rejects.toThrow()
    })
    expect(types).toEqual(['image_generation.partial_image'])
    const { id, ...trace } = await lastTrace()
    expect(trace).toMatchObject({ status_code: 502, error_type: 'upstream_error' })
    expect((await gateway.api('GET', `/api/traces/${id}`)).charge).toMatchObject({ usageSource: 'partial', capturedNanoUsd: String(cost) })
    // The one picture on the way: a hundred tokens at $40 per million. And the prompt, by our own count, at $10: as if it were a picture, which is dearer.
    expect(cost).toBe(100n * 40_000n + BigInt(trace.input_tokens) * 10_000n)
    expect(trace.input_tokens).toBeGreaterThan(0)
  })

  test('that breaks off in its second picture is charged for what was shown of that, beside what the first told', async () => {
    gateway.upstream.respondWith({ usage, fault: 'no-end' })
    const types: string[] = []
    const cost = await spend(async () => {
      const stream = await client.images.generate({ model: 'gpt-image-1', prompt: 'A cat', n: 2, stream: true, partial_images: 1 })
      await expect(async () => {
        for await (const event of stream) types.push(event.type)
      }).rejects.toThrow()
    })
    expect(types).toEqual(['image_generation.partial_image', 'image_generation.completed', 'image_generation.partial_image'])
    expect(cost).toBe(100n * 5_000n + (400n + 100n) * 40_000n)
    expect((await gateway.api('GET', `/api/traces/${(await lastTrace()).id}`)).charge).toMatchObject({ usageSource: 'partial', capturedNanoUsd: String(cost) })
  })

  test('of a model without a price is refused to a prepaid org, until it is priced by the picture', async () => {
    await expect(client.images.generate({ model: 'dall-e-3', prompt: 'A cat' })).rejects.toMatchObject({ status: 422, code: 'model_without_price' })
    expect(gateway.upstream.requests).toHaveLength(0)
    await gateway.api('POST', '/api/models/prices', {
      providerKind: 'openai', model: 'dall-e-3', inputNanoUsd: '0', outputNanoUsd: '0',
      pictureNanoUsd: { '*/*': '40000000', 'hd/*': '80000000', 'hd/1024x1792': '120000000' }
    })
    const draw = (rest: object) => spend(() => until(async () => {
      gateway.upstream.respondWith({ usage: false })
      const drawn = await client.images.generate({ model: 'dall-e-3', prompt: 'A cat', ...rest }).catch((error: unknown) => error)
      return !(drawn instanceof Error)
    }, { what: () => 'the price to be known' }))
    expect(await draw({ n: 2 })).toBe(80_000_000n)
    expect(await draw({ quality: 'hd', size: '1024x1792' })).toBe(120_000_000n)
  })

  describe('of a model priced by the picture, streamed', () => {
    const prices = { pictureNanoUsd: { '*/*': '40000000', 'hd/*': '80000000' } }
    const names = { 'painter-by-picture': { inputNanoUsd: '0', outputNanoUsd: '0' }, 'painter-by-both': { inputNanoUsd: '10000000', outputNanoUsd: '40000000' } }
    const draw = async (model: string, rest: object = {}) => {
      const response = await fetch(`${gateway.loom.url}/v1/images/generations`, { method: 'POST', headers: { authorization: `Bearer ${key}` }, body: JSON.stringify({ model: `mock/${model}`, prompt: 'A cat', stream: true, partial_images: 1, ...rest }) })
      return response.status === 200 && await response.text()
    }
    beforeAll(async () => {
      for (const [model, tokens] of Object.entries(names)) {
        await gateway.api('POST', '/api/models/prices', { providerKind: 'openai', model, ...tokens, ...prices })
        await until(() => draw(model), { what: () => 'the price to be known' })
      }
    })

    test('costs as much as one that comes whole', async () => {
      expect(await spend(() => draw('painter-by-picture'))).toBe(40_000_000n)
      expect(await spend(() => draw('painter-by-picture', { quality: 'hd' }))).toBe(80_000_000n)
      gateway.upstream.reset()
      gateway.upstream.respondWith({ usage })
      expect(await spend(() => draw('painter-by-both'))).toBe(40_000_000n + 100n * 10n + 400n * 40n)
      const { charge } = await gateway.api('GET', `/api/traces/${(await lastTrace()).id}`)
      expect(charge).toMatchObject({ usageSource: 'provider', price: { used: { pictures: { count: 1 } } } })
    })

    test('is not free for who leaves once it was shown on the way', async () => {
      gateway.upstream.respondWith({ fault: 'half' })
      expect(await spend(() => draw('painter-by-picture'))).toBe(40_000_000n)
    })
  })

  test.each([
    ['quality', '\0'], ['quality', 'x'.repeat(41)], ['size', '\ud800'], ['size', 'as large as it may be']
  ])('refuses a %s of %j, which would stand in the ledger', async (field, value) => {
    expect(await post('images/generations', { model: 'gpt-image-1', prompt: 'A cat', [field]: value })).toMatchObject({ status: 400, body: { error: { param: field } } })
    expect(gateway.upstream.requests).toHaveLength(0)
  })
})

describe('POST /v1/images/edits', () => {
  const model = 'gpt-image-1'
  const picture = (name: string) => toFile(Buffer.from('PNG, or something like it'), name, { type: 'image/png' })
  // Of what is shown, 30 are text at $5, the rest pictures at $10; 400 picture tokens come, at $40 per million.
  const seen = { ...usage, imageTokens: 70 }
  const price = 30n * 5_000n + 70n * 10_000n + 400n * 40_000n

  test('gives the SDK a picture made of several, charged to the nano-USD by the tokens the provider tells, text apart from pictures', async () => {
    gateway.upstream.respondWith({ usage: seen, text: 'picture' })
    const cost = await spend(async () => {
      const { data } = await client.images.edit({ image: [await picture('cat.png'), await picture('hat.png')], mask: await picture('mask.png'), prompt: 'The cat wears the hat', model, quality: 'low', output_format: 'webp' })
      expect(Buffer.from(data?.[0]?.b64_json ?? '', 'base64').toString()).toBe('picture')
    })
    expect(cost).toBe(price)
    expect(await gateway.upstream.received()).toMatchObject({ path: '/v1/images/edits', json: { model, 'prompt': 'The cat wears the hat', 'quality': 'low', 'output_format': 'webp', 'image[]': { fileName: 'hat.png', bytes: 25 }, 'mask': { fileName: 'mask.png' } } })
    const { id, ...trace } = await lastTrace()
    expect(trace).toMatchObject({
      endpoint: 'images.edits', model, status_code: 200, input_tokens: 100, output_tokens: 400, response: { data: [{ base64_characters: 12 }] },
      request: { 'image[]': [{ file_name: 'cat.png', content_type: 'image/png', bytes: 25 }, { file_name: 'hat.png' }], 'mask': { file_name: 'mask.png' }, 'prompt': 'The cat wears the hat' }
    })
    expect((await gateway.api('GET', `/api/traces/${id}`)).charge).toMatchObject({ usageSource: 'provider', capturedNanoUsd: String(price) })
  })

  test('streams, the usage of its last event charged', async () => {
    gateway.upstream.respondWith({ usage: seen })
    const cost = await spend(async () => {
      const types = []
      for await (const event of await client.images.edit({ image: await picture('cat.png'), prompt: 'A cat', model, stream: true, partial_images: 1 })) types.push(event.type)
      expect(types).toEqual(['image_edit.partial_image', 'image_edit.completed'])
    })
    expect(cost).toBe(price)
  })

  test('that breaks off in its stream ends with an error, charged for what was shown on the way, and for what it was shown', async () => {
    gateway.upstream.respondWith({ usage: seen, fault: 'half' })
    const cost = await spend(() => expect(async () => {
      for await (const event of await client.images.edit({ image: await picture('cat.png'), prompt: 'A cat', model, stream: true, partial_images: 1, input_fidelity: 'low' })) expect(event.type).toBe('image_edit.partial_image')
    }).rejects.toThrow())
    // The one picture on the way, two words, and four tiles of the one that was shown.
    expect(cost).toBe(100n * 40_000n + BigInt(2 + 65 + 4 * 129) * 10_000n)
  })

  test('takes pictures under one plain name, as curl sends them: all are held, passed on and told of', async () => {
    const { key: spender } = await gateway.createKey({ limits: { budgets: { total: '0.4' } } })
    const ask = (n: number) => fetch(`${gateway.loom.url}/v1/images/edits`, {
      method: 'POST', headers: { authorization: `Bearer ${spender}` }, body: inForm({ model, prompt: 'A cat', quality: 'low', size: '1024x1024', n: String(n) }, ['cat.png', 'hat.png'])
    })
    expect((await ask(10)).status).toBe(402)
    expect(gateway.upstream.requests).toHaveLength(0)
    const answered = await ask(2)
    expect(answered.status).toBe(200)
    const { body } = await gateway.upstream.received()
    for (const name of ['cat.png', 'hat.png']) expect(String(body)).toContain(`name="image"; filename="${name}"`)
    const trace = await fetch(`${gateway.loom.url}/v1/traces/${answered.headers.get('x-request-id')}?include=bodies`, { headers: { authorization: `Bearer ${key}` } })
    const { request_body: request }: { request_body: string } = await trace.json()
    expect(JSON.parse(request).image).toMatchObject([{ file_name: 'cat.png', bytes: 25 }, { file_name: 'hat.png', bytes: 25 }])
  })

  test('is held for all that it may cost: as many pictures as it asks for and shows', async () => {
    const { key: spender } = await gateway.createKey({ limits: { budgets: { total: '0.4' } } })
    const ask = async (n: number) => gateway.client(spender).images.edit({ image: [await picture('cat.png'), await picture('hat.png')], prompt: 'A cat', model, quality: 'low', size: '1024x1024', n })
    // Two pictures shown are held for 27 cents, and each one asked for 2 more.
    await expect(ask(10)).rejects.toMatchObject({ status: 402, code: 'budget_exceeded' })
    expect(gateway.upstream.requests).toHaveLength(0)
    expect((await ask(2)).data).toHaveLength(2)
  })

  test('of a model without a price is refused to a prepaid org, until it is priced by the picture', async () => {
    const ask = async (rest: object = {}) => client.images.edit({ image: await picture('cat.png'), prompt: 'A cat', model: 'dall-e-2', ...rest })
    await expect(ask()).rejects.toMatchObject({ status: 422, code: 'model_without_price' })
    expect(gateway.upstream.requests).toHaveLength(0)
    await gateway.api('POST', '/api/models/prices', { providerKind: 'openai', model: 'dall-e-2', inputNanoUsd: '0', outputNanoUsd: '0', pictureNanoUsd: { '*/*': '20000000', '*/256x256': '16000000' } })
    const spent = (rest: object) => spend(() => until(async () => {
      gateway.upstream.respondWith({ usage: false })
      return !(await ask(rest).catch((error: unknown) => error) instanceof Error)
    }, { what: () => 'the price to be known' }))
    expect(await spent({ n: 2 })).toBe(40_000_000n)
    expect(await spent({ size: '256x256' })).toBe(16_000_000n)
  })

  test('is refused to who has nothing left, and to who does not have the connection', async () => {
    const poor = await clientOfPoor()
    await expect(poor.images.edit({ image: await picture('cat.png'), prompt: 'A cat', model: 'own-openai/gpt-image-1' })).rejects.toMatchObject({ status: 402, code: 'insufficient_funds' })
    await expect(poor.images.edit({ image: await picture('cat.png'), prompt: 'A cat', model: 'mock/gpt-image-1' })).rejects.toMatchObject({ status: 404, code: 'model_not_found' })
    expect(gateway.upstream.requests).toHaveLength(0)
  })

  test.each([
    ['another case', 'N', '10'], ['a list', 'n[]', '10'], ['a model in another case', 'Model', 'dear'], ['a list of the model', 'model[0]', 'dear'],
    ['a picture in another case', 'Image', 'https://pictures.example/cat.png']
  ])('refuses a field that a server may read otherwise: %s', async (_, name, value) => {
    const response = await fetch(`${gateway.loom.url}/v1/images/edits`, { method: 'POST', headers: { authorization: `Bearer ${key}` }, body: inForm({ model, prompt: 'A cat', [name]: value }, ['cat.png']) })
    expect(response.status).toBe(400)
    expect(gateway.upstream.requests).toHaveLength(0)
  })

  test('refuses pictures larger than the limit, and what is no form', async () => {
    await expect(client.images.edit({ image: await toFile(Buffer.alloc(3 * 1024 * 1024, 1), 'cat.png'), prompt: 'A cat', model })).rejects.toMatchObject({ status: 413, code: 'body_too_large' })
    expect(await post('images/edits', { model, prompt: 'A cat', images: [{ image_url: 'https://pictures.example/cat.png' }] }, { 'content-type': 'text/plain' })).toMatchObject({ status: 400, body: { error: { param: 'Content-Type' } } })
    await expect(client.images.edit({ image: await picture('cat.png'), prompt: 'A cat', model, n: 11 })).rejects.toMatchObject({ status: 400, param: 'n' })
    expect(gateway.upstream.requests).toHaveLength(0)
  })

  describe('in JSON', () => {
    const data = `data:image/png;base64,${Buffer.from('PNG, or something like it').toString('base64')}`
    const edit = (rest: object = {}, headers: Record<string, string> = {}, path = 'images/edits') => post(path, { model, prompt: 'A cat', images: [{ image_url: data }], ...rest }, headers)

    test('passes on pictures by address, in a data URL and by an upload, looks none up, and charges to the nano-USD; a trace keeps how long they are', async () => {
      gateway.upstream.respondWith({ usage: seen, text: 'picture' })
      const asked = { images: [{ image_url: `${gateway.upstream.url}/cat.png` }, { image_url: data }, { file_id: 'file-hat' }], mask: { image_url: data }, quality: 'low', output_format: 'webp' }
      const cost = await spend(async () => expect(await edit(asked)).toMatchObject({ status: 200, body: { data: [{ b64_json: Buffer.from('picture').toString('base64') }] } }))
      expect(cost).toBe(price)
      expect(gateway.upstream.requests.map(({ path, json }) => ({ path, json }))).toEqual([{ path: '/v1/images/edits', json: { model, prompt: 'A cat', ...asked } }])
      const kept = { image_url: 'data:image/png;base64,<36 characters>' }
      const { id, ...trace } = await lastTrace()
      expect(trace).toMatchObject({ endpoint: 'images.edits', status_code: 200, input_tokens: 100, request: { ...asked, images: [asked.images[0], kept, asked.images[2]], mask: kept }, response: { data: [{ base64_characters: 12 }] } })
      expect((await gateway.api('GET', `/api/traces/${id}`)).charge).toMatchObject({ usageSource: 'provider', capturedNanoUsd: String(price) })
    })

    test('streams, and breaks off, charged for what was shown', async () => {
      gateway.upstream.respondWith({ usage: seen })
      const stream = () => fetch(`${gateway.loom.url}/v1/images/edits`, { method: 'POST', headers: { 'authorization': `Bearer ${key}`, 'content-type': 'application/json; charset=utf-8' }, body: JSON.stringify({ model, prompt: 'A cat', images: [{ image_url: data }], stream: true, partial_images: 1, input_fidelity: 'low' }) })
      expect(await spend(async () => expect(await (await stream()).text()).toMatch(/image_edit\.partial_image[^]*image_edit\.completed/))).toBe(price)
      gateway.upstream.respondWith({ usage: seen, fault: 'half' })
      expect(await spend(async () => expect(await (await stream()).text()).toContain('"error"'))).toBe(100n * 40_000n + BigInt(2 + 65 + 4 * 129) * 10_000n)
    })

    test('is held for all that it may cost: each picture as the largest there is, whatever its data URL is long, and what is no picture by its bytes', async () => {
      const { key: spender } = await gateway.createKey({ limits: { budgets: { total: '0.4' } } })
      const ask = (rest: object) => edit({ quality: 'low', size: '1024x1024', ...rest }, { authorization: `Bearer ${spender}` })
      const two = { images: [{ image_url: `data:image/png;base64,${'A'.repeat(900_000)}` }, { image_url: 'https://pictures.example/cat.png' }] }
      const refused = [
        { ...two, n: 10 }, { images: Array.from({ length: 3 }, () => ({ file_id: 'file-cat' })) }, { mask: { file_id: 'file-cat' }, markup: { file_id: 'file-hat' } },
        { images: [{ image_url: `https://pictures.example/${'a'.repeat(40_000)}` }] }, { images: [{ file_id: 'a'.repeat(40_000) }] }, { x: 'a'.repeat(40_000) }
      ]
      for (const rest of refused) expect(await ask(rest), JSON.stringify(rest).slice(0, 100)).toMatchObject({ status: 402, body: { error: { code: 'budget_exceeded' } } })
      expect(gateway.upstream.requests).toHaveLength(0)
      expect(await ask({ ...two, n: 2 })).toMatchObject({ status: 200 })
    })

    test('repeated with its Idempotency-Key is answered by the first, and its model may stand in the path, as at Azure', async () => {
      const headers = { 'idempotency-key': randomUUID() }
      const path = '../openai/deployments/gpt-image-1/images/edits'
      const first = await edit({ model: 'dear' }, headers, path)
      expect(first).toMatchObject({ status: 200 })
      expect(await edit({ model: 'dear' }, headers, path)).toEqual(first)
      expect(await edit({ model: 'dear', n: 2 }, headers, path)).toMatchObject({ status: 409 })
      expect(gateway.upstream.requests.map(({ json }) => json.model)).toEqual([model])
    })

    test('is refused where Azure, which takes forms alone, would be asked, and to who pays for tokens alone with another model in it', async () => {
      expect(await spend(async () => expect(await edit({ model: 'azure-v1/gpt-image-1' })).toMatchObject({ status: 400, body: { error: { message: expect.stringContaining('multipart/form-data'), param: 'Content-Type' } } }))).toBe(0n)
      for (const rest of [{ svg: { model: 'gpt-5' } }, { output_format: 'svg' }, { x: { model: 'gpt-5' } }]) expect(await edit(rest)).toMatchObject({ status: 422, body: { error: { code: 'model_without_price' } } })
      expect(gateway.upstream.requests).toHaveLength(0)
    })

    const one = { image_url: data }
    test.each<[string, string, unknown]>([
      ['none', 'images', undefined], ['no pictures', 'images', []], ['ten thousand', 'images', Array.from({ length: 10_000 }, () => one)], ['no list', 'images', one], ['a text', 'images.0', [data]],
      ['nothing named', 'images.0', [{}]], ['two named', 'images.0', [{ ...one, file_id: 'file-cat' }]], ['more beside', 'images.0', [{ ...one, detail: 'high' }]], ['a file', 'images.0.image_url', [{ image_url: 'file:///etc/passwd' }]],
      ['a number', 'images.0', [{ image_url: 1 }]], ['an object', 'images.0', [{ image_url: { url: data } }]], ['data in another form', 'images.0.image_url', [{ image_url: 'data:image/svg+xml,<svg/>' }]], ['an empty id', 'images.0.file_id', [{ file_id: '' }]],
      ['a list', 'mask', [one]], ['a text', 'markup', data], ['another field', 'image', one], ['another case', 'Images', [one]], ['an address beside', 'image_url', 'https://pictures.example/cat.png'], ['a prototype', 'image_constructor', 'x'],
      ['a text', 'n', '2'], ['eleven', 'n', 11], ['a text', 'stream', 'true'], ['a number', 'input_fidelity', 1], ['no word', 'quality', { low: 1 }]
    ])('refuses %s as %s', async (_, param, value) => {
      expect(await edit({ [param.split('.')[0] ?? '']: value })).toMatchObject({ status: 400, body: { error: { code: 'invalid_request_error', param } } })
      expect(gateway.upstream.requests).toHaveLength(0)
    })

    test('takes the names of a prototype for what they are, and no more bytes than another call', async () => {
      for (const name of ['__proto__', 'constructor', 'toString']) expect(await edit({ quality: name, size: name, input_fidelity: name, images: [{ file_id: name }] })).toMatchObject({ status: 200 })
      expect(await edit({ images: [{ image_url: `${data}${'A'.repeat(11 * 1024 * 1024)}` }] })).toMatchObject({ status: 413, body: { error: { code: 'body_too_large' } } })
    })
  })
})

test.each([['images/generations', 'image_generation'], ['images/edits', 'image_edit']] as const)('/v1/%s streams pictures of 4K byte for byte, charged once', async (path, made) => {
  const behaviour = { usage, text: 'x'.repeat(9 * 1024 * 1024) }
  gateway.upstream.respondWith(behaviour)
  const fields = { model: 'gpt-image-1', prompt: 'A cat', stream: true, partial_images: 1 }
  const body = path === 'images/edits' ? inForm(Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, String(value)])), ['cat.png']) : JSON.stringify(fields)
  let answer = ''
  const cost = await spend(async () => {
    const response = await fetch(`${gateway.loom.url}/v1/${path}`, { method: 'POST', headers: { authorization: `Bearer ${key}`, ...(typeof body === 'string' && { 'content-type': 'application/json' }) }, body })
    answer = await response.text()
  })
  const sent = imageEvents(made)(MockBehaviour.parse(behaviour), { model: 'gpt-image-1' })
  expect(sent.map(event => event.length > 12 * 1024 * 1024)).toEqual([true, true])
  expect(answer === sent.join(''), 'Each event as it was sent').toBe(true)
  expect(cost).toBe(100n * 5_000n + 400n * 40_000n)
  expect(gateway.upstream.requests).toHaveLength(1)
})

describe('POST /v1/audio/speech', () => {
  const speech = { model: 'gpt-4o-mini-tts', voice: 'alloy', input: 'Hello there' } as const

  test('passes sound through as it came, and charges an estimate', async () => {
    gateway.upstream.respondWith({ text: 'MP3 \u00ff sound', chunks: 4 })
    const cost = await spend(async () => {
      const response = await client.audio.speech.create(speech)
      expect(response.headers.get('content-type')).toBe('audio/mpeg')
      expect(await response.text()).toBe('MP3 \u00ff sound')
    })
    expect(cost).toBeGreaterThan(0n)
    expect(await lastTrace()).toMatchObject({ endpoint: 'audio.speech', response: { content_type: 'audio/mpeg', bytes: 12, base64: Buffer.from('MP3 \u00ff sound').toString('base64') } })
  })

  test('sends the first bytes before the last have come', async () => {
    gateway.upstream.respondWith({ fault: 'stalls', chunks: 20, chunkBytes: 4_000 })
    const abort = new AbortController()
    const response = await client.audio.speech.create(speech, { signal: abort.signal })
    const reader = response.body?.getReader()
    expect((await reader?.read())?.value?.length).toBeGreaterThan(0)
    const cost = await spend(async () => {
      abort.abort()
      await until(() => gateway.upstream.requests[0]?.callerGone)
    })
    // What was spoken is paid for, though the caller left.
    expect(cost).toBeGreaterThan(0n)
  })

  test('that breaks off in the middle breaks off here too, and does not look whole', async () => {
    gateway.upstream.respondWith({ fault: 'half', chunks: 20, chunkBytes: 4_000 })
    await expect(client.audio.speech.create(speech).then(response => response.arrayBuffer())).rejects.toThrow()
  })

  test('of a model priced by the character is charged to the character', async () => {
    const cost = await spend(() => client.audio.speech.create({ ...speech, model: 'tts-1', input: 'Grüße 👋' }).then(response => response.text()))
    // Seven characters at $15 per million.
    expect(cost).toBe(105_000n)
  })

  test('is an error in JSON where the provider refuses', async () => {
    gateway.upstream.respondWith({ status: 400 })
    await expect(client.audio.speech.create(speech)).rejects.toMatchObject({ status: 400 })
  })
})

describe('POST /v1/audio/transcriptions', () => {
  const model = 'gpt-4o-transcribe'

  test('passes the form on but for the model\'s name, sound charged as sound', async () => {
    await gateway.api('POST', '/api/models/routes', { alias: 'listener', targets: [{ connectionId: await connectionId('mock'), upstreamModel: model }] })
    gateway.upstream.respondWith({ usage, text: 'Hello' })
    const cost = await spend(async () => {
      const { text } = await client.audio.transcriptions.create({ model: 'listener', file: await sound(), prompt: 'Grüße', language: 'de' })
      expect(text).toBe('Hello')
    })
    expect((await gateway.upstream.received()).json).toMatchObject({ model, prompt: 'Grüße', language: 'de', file: { fileName: 'talk.wav', bytes: 26 } })
    // 100 audio tokens at $6 and 400 at $10 per million.
    expect(cost).toBe(100n * 6_000n + 400n * 10_000n)
    expect(await lastTrace()).toMatchObject({ request: { model: 'listener', file: { file_name: 'talk.wav', content_type: 'audio/wav', bytes: 26 } } })
  })

  test('takes voices to know speakers by, each as long as a file, and charges what the provider tells; no other endpoint does', async () => {
    const voices = ['A', 'B', 'C', 'D'].map(letter => `data:audio/wav;base64,${letter.repeat(300_000)}`)
    gateway.upstream.respondWith({ usage, text: 'Hello' })
    const cost = await spend(async () => {
      await client.audio.transcriptions.create({ model, file: await sound(), known_speaker_names: ['Ann', 'Ben', 'Cy', 'Di'], known_speaker_references: voices })
    })
    expect((await gateway.upstream.received()).json).toMatchObject({ 'known_speaker_names[]': 'Di', 'known_speaker_references[]': voices[3] })
    expect(cost).toBe(100n * 6_000n + 400n * 10_000n)
    expect(await lastTrace()).toMatchObject({ request: { 'known_speaker_names[]': ['Ann', 'Ben', 'Cy', 'Di'], 'known_speaker_references[]': Array.from({ length: 4 }, () => ({ bytes: 300_022 })) } })
    const long = (name: string) => `--b\r\ncontent-disposition: form-data; name="known_speaker_references[]"\r\n\r\n${voices[0]}\r\n${part('model', name)}`
    for (const [path, name, file] of [['audio/translations', 'whisper-1', 'file'], ['images/edits', 'gpt-image-1', 'image']] as const) {
      const body = `${long(name)}${part('prompt', 'A cat')}${part(file, 'x', '; filename="a"')}--b--`
      expect(await post(path, body, { 'content-type': 'multipart/form-data; boundary=b' })).toMatchObject({ status: 400, body: { error: { code: 'invalid_request_error', param: 'known_speaker_references[]' } } })
    }
    const beyond = `${part('model', model)}${part('file', 'x', '; filename="a"')}${long('x').repeat(8)}--b--`
    expect(await post('audio/transcriptions', beyond, { 'content-type': 'multipart/form-data; boundary=b' })).toMatchObject({ status: 413, body: { error: { code: 'body_too_large' } } })
    expect(gateway.upstream.requests).toHaveLength(1)
  })

  test('streams, its last event held until it is charged', async () => {
    gateway.upstream.respondWith({ usage, text: 'Hello there', chunks: 3 })
    const stream = await client.audio.transcriptions.create({ model, file: await sound(), stream: true })
    let text = ''
    let last: unknown
    for await (const event of stream) {
      if (event.type === 'transcript.text.delta') text += event.delta
      last = event
    }
    expect(text).toBe('Hello there')
    expect(last).toMatchObject({ type: 'transcript.text.done', text: 'Hello there' })
  })

  test('ends with an error event when the provider breaks off', async () => {
    gateway.upstream.respondWith({ fault: 'half', text: 'Hello there, you', chunks: 8 })
    const stream = await client.audio.transcriptions.create({ model, file: await sound(), stream: true })
    await expect(async () => {
      for await (const event of stream) expect(event.type).not.toBe('transcript.text.done')
    }).rejects.toThrow()
  })

  test('of a model priced by the hour is charged by the seconds the provider tells', async () => {
    gateway.upstream.respondWith({ usage: { inputTokens: 61 }, text: 'Hello' })
    const cost = await spend(async () => {
      const { text } = await client.audio.transcriptions.create({ model: 'whisper-1', file: await sound() })
      expect(text).toBe('Hello')
    })
    // $0.006 a minute.
    expect(cost).toBe(6_100_000n)
  })

  test('hears at the price that an override sets for sound', async () => {
    await gateway.api('POST', '/api/models/prices', { providerKind: 'openai', model: 'a-listener', inputNanoUsd: '1000000', outputNanoUsd: '2000000', audioInputNanoUsd: '50000000' })
    const cost = await spend(() => until(async () => {
      gateway.upstream.respondWith({ usage })
      const heard = await client.audio.transcriptions.create({ model: 'mock/a-listener', file: await sound() }).catch((error: unknown) => error)
      return !(heard instanceof Error)
    }, { what: () => 'the price to be known' }))
    expect(cost).toBe(100n * 50n + 400n * 2n)
  })

  test.each<[format: 'text' | 'srt' | 'vtt', text: string, given?: string]>([
    ['text', 'Hello', 'Hello\n'],
    ['srt', '1\n00:00:00,000 --> 00:00:02,000\nHello\n\n2\n00:00:59,500 --> 00:01:01,000\nthere\n'],
    ['vtt', 'WEBVTT\n\n00:00.000 --> 00:02.000\nHello\n\n00:59.500 --> 01:01.000\nthere\n']
  ])('as %s, of such a model, is charged by its length, however small the file', async (format, text, given = text) => {
    gateway.upstream.respondWith({ usage: { inputTokens: 61 }, text })
    const cost = await spend(async () => {
      const transcript: unknown = await client.audio.transcriptions.create({ model: 'whisper-1', file: await sound(), response_format: format })
      expect(transcript).toBe(given)
    })
    expect(cost).toBe(6_100_000n)
    expect((await gateway.upstream.received()).json).toMatchObject({ model: 'whisper-1', response_format: format === 'text' ? 'json' : format, file: { bytes: 26 } })
  })

  test.each([undefined, 'json', 'text'] as const)('as %s, of such a model at Azure, is charged by its length, too, which a verbose one tells', async (format) => {
    gateway.upstream.respondWith({ usage: { inputTokens: 61 }, text: 'Hello' })
    const cost = await spend(async () => {
      const transcript: unknown = await client.audio.transcriptions.create({ model: 'azure/whisper-1', file: await sound(), ...(format && { response_format: format }) })
      expect(transcript).toEqual(format === 'text' ? 'Hello\n' : { text: 'Hello' })
    })
    expect(cost).toBe(6_100_000n)
    expect((await gateway.upstream.received()).json).toMatchObject({ response_format: 'verbose_json', file: { bytes: 26 } })
  })

  test('as text, of a model priced by the token, is asked for as that', async () => {
    gateway.upstream.respondWith({ text: 'Hello' })
    const transcript: unknown = await client.audio.transcriptions.create({ model, file: await sound(), response_format: 'text' })
    expect(transcript).toBe('Hello')
    expect((await gateway.upstream.received()).json).toMatchObject({ response_format: 'text' })
  })

  test('of such a model, where it tells none, by what a file of that size usually lasts; never free', async () => {
    gateway.upstream.respondWith({ usage: false })
    const file = await toFile(Buffer.alloc(160_000, 1), 'long.mp3')
    // Ten seconds of 128 kbit/s.
    expect(await spend(() => client.audio.transcriptions.create({ model: 'whisper-1', file }))).toBe(1_000_000n)
  })

  test('a model priced by the hour or the character has no price for a chat', async () => {
    for (const model of ['whisper-1', 'tts-1']) {
      await expect(client.chat.completions.create({ model, messages: [{ role: 'user', content: 'Hi' }] })).rejects.toMatchObject({ status: 422, code: 'model_without_price' })
    }
    expect(gateway.upstream.requests).toHaveLength(0)
  })

  test('tries the models of the form in turn', async () => {
    gateway.upstream.respondWith({ status: 404 })
    // The mock's parser takes a boundary for one wherever its letters stand.
    const form = `${part('models[]', model)}${part('models[]', 'whisper-1')}${part('model', 'gpt-4o-mini-transcribe')}${file}--b--`.replaceAll('--b', '--b0undary')
    expect(await post('audio/transcriptions', form, { 'content-type': 'multipart/form-data; boundary=b0undary' })).toMatchObject({ status: 200 })
    const sent = gateway.upstream.requests.map(({ json }) => json)
    expect(sent.map(({ model: asked }) => asked)).toEqual(['gpt-4o-mini-transcribe', model])
    for (const json of sent) expect(json).not.toHaveProperty('models[]')
  })

  const part = (name: string, value: string, rest = '') => `--b\r\ncontent-disposition: form-data; name="${name}"${rest}\r\n\r\n${value}\r\n`
  const file = part('file', 'sound', '; filename="a.wav"')
  test.each([
    ['JSON', 'application/json', '{}', 'Content-Type'],
    ['no boundary', 'multipart/form-data', '--b--', 'Content-Type'],
    ['a form within a form, for who reads the other boundary', 'multipart/form-data; x="; boundary=b; "; boundary=c', `${part('model', model)}${file.replace('sound', '\r\n--c\r\ncontent-disposition: form-data; name="model"\r\n\r\ndear\r\n--c--')}--b--`, null],
    ['two boundaries', 'multipart/form-data; boundary=b; boundary=c', `${part('model', model)}${file}--b--`, 'Content-Type'],
    ['a model in another case', 'multipart/form-data; boundary=b', `${part('model', model)}${part('Model', 'dear')}${file}--b--`, 'Model'],
    ['a list of the model', 'multipart/form-data; boundary=b', `${part('model', model)}${file}${part('model[0]', 'dear')}--b--`, 'model[0]'],
    ['other models behind a file of their name', 'multipart/form-data; boundary=b', `${part('model', model)}${part('fallbacks', 'dear')}${part('fallbacks[x]', 'x', '; filename="f"')}${file}--b--`, 'fallbacks'],
    ['another boundary', 'multipart/form-data; boundary=c', `${part('model', model)}${file}--b--`, null],
    ['a form cut off', 'multipart/form-data; boundary=b', part('model', model) + file.slice(0, -4), null],
    ['a part without a name', 'multipart/form-data; boundary=b', '--b\r\ncontent-disposition: form-data\r\n\r\nx\r\n--b--', null],
    ['a part without headers', 'multipart/form-data; boundary=b', '--b\r\nx\r\n--b--', null],
    ['no model', 'multipart/form-data; boundary=b', `${file}--b--`, 'model'],
    ['two models', 'multipart/form-data; boundary=b', `${part('model', 'demo')}${part('model', model)}${file}--b--`, 'model'],
    ['an alternative with a control character', 'multipart/form-data; boundary=b', `${part('model', model)}${part('models[]', 'demo/\0')}${file}--b--`, 'models'],
    ['a model in a file', 'multipart/form-data; boundary=b', `${part('model', model, '; filename="m"')}${file}--b--`, 'model'],
    ['no file', 'multipart/form-data; boundary=b', `${part('model', model)}--b--`, 'file'],
    ['a file that is a field', 'multipart/form-data; boundary=b', `${part('model', model)}${part('file', 'x')}--b--`, 'file'],
    ['an empty body', 'multipart/form-data; boundary=b', '', null],
    ['a thousand parts', 'multipart/form-data; boundary=b', `${Array.from({ length: 1_000 }, (_, index) => part(`f${index}`, 'x')).join('')}--b--`, null]
  ])('refuses %s', async (_, contentType, body, param) => {
    expect(await post('audio/transcriptions', body, { 'content-type': contentType })).toMatchObject({ status: 400, body: { error: { code: 'invalid_request_error', param } } })
    expect(gateway.upstream.requests).toHaveLength(0)
  })

  test('tells the provider the boundary that the form was read by, and nothing else of its type', async () => {
    expect(await post('audio/transcriptions', `${part('model', model)}${file}--b0--`.replaceAll('--b\r', '--b0\r'), { 'content-type': 'multipart/form-data; x="; boundary=c"; boundary="b0"' })).toMatchObject({ status: 200 })
    expect((await gateway.upstream.received()).headers['content-type']).toBe('multipart/form-data; boundary=b0')
  })

  test('refuses a file larger than the limit, and takes one below it that is larger than other bodies may be', async () => {
    const of = (bytes: number) => toFile(Buffer.alloc(bytes, 1), 'long.wav')
    await expect(client.audio.transcriptions.create({ model, file: await of(3 * 1024 * 1024) })).rejects.toMatchObject({ status: 413, code: 'body_too_large' })
    expect(await client.audio.transcriptions.create({ model, file: await of(1_900_000) })).toMatchObject({ text: expect.any(String) })
    expect((await gateway.upstream.received()).json).toMatchObject({ file: { bytes: 1_900_000 } })
  })
})

describe('POST /v1/audio/translations', () => {
  test.each([undefined, 'verbose_json'] as const)('gives the SDK its English (as %s), charged to the nano-USD by the length of the sound, which only a verbose one tells', async (format) => {
    gateway.upstream.respondWith({ usage: { inputTokens: 61 }, text: 'Hello' })
    const cost = await spend(async () => {
      const told: unknown = await client.audio.translations.create({ model: 'whisper-1', file: await sound(), prompt: 'Greetings', ...format && { response_format: format } })
      if (format === 'verbose_json') expect(told).toMatchObject({ text: 'Hello', duration: 61 })
      else expect(told).toEqual({ text: 'Hello' })
    })
    // $0.006 a minute.
    expect(cost).toBe(6_100_000n)
    expect(await gateway.upstream.received()).toMatchObject({ path: '/v1/audio/translations', json: { model: 'whisper-1', prompt: 'Greetings', response_format: 'verbose_json', file: { fileName: 'talk.wav', bytes: 26 } } })
    const { id, ...trace } = await lastTrace()
    expect(trace).toMatchObject({ endpoint: 'audio.translations', model: 'whisper-1', status_code: 200, request: { model: 'whisper-1', prompt: 'Greetings', file: { file_name: 'talk.wav', bytes: 26 } }, response: { text: 'Hello' } })
    expect((await gateway.api('GET', `/api/traces/${id}`)).charge).toMatchObject({ usageSource: 'provider', capturedNanoUsd: String(cost), price: { used: { audioMs: 61_000 } } })
  })

  test('is refused to who has nothing left, and to who pays for a model without a price', async () => {
    const ask = async (by: OpenAI, model: string) => by.audio.translations.create({ model, file: await sound() })
    await expect(ask(await clientOfPoor(), 'own-openai/whisper-1')).rejects.toMatchObject({ status: 402, code: 'insufficient_funds' })
    await expect(ask(client, 'own/whisper-of-nobody')).rejects.toMatchObject({ status: 422, code: 'model_without_price' })
    await expect(ask(await clientOfPoor(), 'mock/whisper-1')).rejects.toMatchObject({ status: 404, code: 'model_not_found' })
    expect(gateway.upstream.requests).toHaveLength(0)
  })
})

describe('POST /v1/moderations', () => {
  test('is free at OpenAI, and recorded', async () => {
    const cost = await spend(async () => {
      const { results } = await client.moderations.create({ input: ['good', 'bad'] })
      expect(results.map(({ flagged }) => flagged)).toEqual([false, true])
    })
    expect(cost).toBe(0n)
    expect(await lastTrace()).toMatchObject({ endpoint: 'moderations', model: 'omni-moderation-latest', status_code: 200 })
  })

  test('tells who named no model what to do where nothing serves the usual one', async () => {
    const elsewhere = await signUp(new Visitor(gateway.loom, { ...gateway.admin }), 'elsewhere@example.com')
    const created = CreatedApiKey.parse((await elsewhere.succeed('POST', '/api/keys', { name: 'test' })).body)
    await expect(gateway.client(created.key).moderations.create({ input: 'good' }))
      .rejects.toMatchObject({ status: 404, code: 'model_not_found', param: 'model', message: expect.stringMatching(/names no model, and no active connection serves the default, "[^"]+"\. Name one in "model"/) })
  })
})

describe('POST /v1/rerank', () => {
  /** Word of a price travels by notification. */
  const setPrice = async (model: string, price: object) => {
    await gateway.api('POST', '/api/models/prices', { providerKind: 'openai-compatible', model, outputNanoUsd: '0', ...price })
    const known = () => fetch(`${gateway.loom.url}/v1/models/own/${model}`, { headers: { authorization: `Bearer ${key}` } })
    await until(async () => Boolean((await (await known()).json()).pricing), { what: () => `the price of ${model} to be known` })
  }

  test('goes to a server that has it, charged by its tokens', async () => {
    await setPrice('reranker', { inputNanoUsd: '20000000' })
    gateway.upstream.respondWith({ usage })
    const cost = await spend(async () => {
      const { status, body } = await post('rerank', { model: 'own/reranker', query: 'cats', documents: ['dogs', 'cats'], top_n: 1 })
      expect({ status, body }).toMatchObject({ status: 200, body: { results: [{ index: 0, relevance_score: 1 }] } })
    })
    expect(cost).toBe(2_000n)
    expect(await gateway.upstream.received()).toMatchObject({ path: '/v1/rerank', json: { model: 'reranker', top_n: 1 } })
  })

  test('answers OpenAI’s SDK, which has no method for it, and raises its errors', async () => {
    await setPrice('sdk-reranker', { inputNanoUsd: '20000000' })
    gateway.upstream.respondWith({ usage })
    const body = { model: 'own/sdk-reranker', query: 'cats', documents: ['dogs', 'cats'] }
    expect(await client.post('/rerank', { body })).toMatchObject({ results: [{ index: 0 }, { index: 1 }] })
    const refused = client.post('/rerank', { body: { ...body, documents: [] } })
    await expect(refused).rejects.toBeInstanceOf(BadRequestError)
    await expect(refused).rejects.toMatchObject({ param: 'documents' })
    await expect(gateway.client('nothing').post('/rerank', { body })).rejects.toBeInstanceOf(AuthenticationError)
  })

  test('tries the models of `models` in turn, charged at the price of the one that answers', async () => {
    await setPrice('first-reranker', { inputNanoUsd: '20000000' })
    await setPrice('second-reranker', { inputNanoUsd: '30000000' })
    gateway.upstream.respondWith({ status: 404 })
    gateway.upstream.respondWith({ usage })
    const cost = await spend(async () => {
      const answer = await post('rerank', { models: ['own/first-reranker', 'own/second-reranker'], query: 'cats', documents: ['dogs', 'cats'] })
      expect(answer).toMatchObject({ status: 200, body: { results: [{ index: 0 }, { index: 1 }] } })
    })
    expect(gateway.upstream.requests.map(({ json }) => json.model)).toEqual(['first-reranker', 'second-reranker'])
    expect(gateway.upstream.requests[1]?.json).not.toHaveProperty('models')
    expect(cost).toBe(3_000n)
  })

  test('of a model priced by the search is charged by the searches the provider bills', async () => {
    await setPrice('cohere-rerank', { inputNanoUsd: '0', thousandSearchesNanoUsd: '2000000000' })
    gateway.upstream.respondWith({ usage: { inputTokens: 3 } })
    expect(await spend(() => post('rerank', { model: 'own/cohere-rerank', query: 'cats', documents: ['dogs', 'cats'] }))).toBe(6_000_000n)
    gateway.upstream.respondWith({ usage: false })
    expect(await spend(() => post('rerank', { model: 'own/cohere-rerank', query: 'cats', documents: Array.from({ length: 101 }, () => 'cat') }))).toBe(4_000_000n)
  })
})

test.each([
  ['embeddings', { input: 'a' }, 'claude-sonnet-4-5', 'anthropic', 'embeddings'],
  ['images/generations', { prompt: 'a' }, 'claude-sonnet-4-5', 'anthropic', 'images'],
  ['audio/speech', { input: 'a', voice: 'x' }, 'claude-sonnet-4-5', 'anthropic', 'speech'],
  ['moderations', { input: 'a' }, 'gemini/gemini-2.5-flash', 'google', 'moderations'],
  ['rerank', { query: 'a', documents: ['b'] }, 'gpt-4o-mini', 'openai', 'reranking']
])('/v1/%s of a connection that does not offer it is a 400 that says so, and costs nothing', async (path, body, model, kind, what) => {
  const cost = await spend(async () => {
    const answer = await post(path, { ...body, model })
    expect(answer).toMatchObject({ status: 400, body: { error: { code: 'invalid_request_error', param: 'model' } } })
    expect(answer.body.error.message).toMatch(new RegExp(`\\(${kind}\\) offers no ${what}`))
  })
  expect(cost).toBe(0n)
})

describe('the demo model answers with no key of a provider', () => {
  test('embeddings, near for texts that share words', async () => {
    const { data } = await client.embeddings.create({ model: 'demo', input: ['the cat sat', 'the cat ran', 'stock prices'] })
    const [a, b, c] = data.map(({ embedding }) => embedding)
    const near = (x: number[] = [], y: number[] = []) => x.reduce((sum, value, index) => sum + value * (y[index] ?? 0), 0)
    expect(near(a, b)).toBeGreaterThan(near(a, c))
    expect(near(a, a)).toBeCloseTo(1, 5)
  })

  test('moderations, reranking and a picture', async () => {
    const { results } = await client.moderations.create({ model: 'demo', input: ['I will kill you', 'Good morning'] })
    expect(results.map(({ flagged }) => flagged)).toEqual([true, false])
    const ranked = await post('rerank', { model: 'demo', query: 'black cat', documents: ['a white dog', 'a black cat'], return_documents: true })
    expect(ranked.body.results[0]).toMatchObject({ index: 1, relevance_score: 1, document: { text: 'a black cat' } })
    const { data } = await client.images.generate({ model: 'demo', prompt: 'stripes' })
    expect(Buffer.from(data?.[0]?.b64_json ?? '', 'base64').subarray(1, 4).toString()).toBe('PNG')
    const edited = await client.images.edit({ model: 'demo', prompt: 'stripes', image: await toFile(Buffer.from('PNG'), 'a.png') })
    expect(edited).toMatchObject({ data, usage: { input_tokens_details: { image_tokens: 272 } } })
    expect((await post('images/edits', { model: 'demo', prompt: 'stripes', images: [{ image_url: 'https://pictures.example/cat.png' }] })).body).toEqual(edited)
  })

  test('speech that a player plays, and a transcript and a translation that say what they are', async () => {
    const spoken = Buffer.from(await (await client.audio.speech.create({ model: 'demo', voice: 'alloy', input: 'Three short words' })).arrayBuffer())
    expect([spoken.subarray(0, 4).toString(), spoken.subarray(8, 12).toString(), spoken.readUInt32LE(4)]).toEqual(['RIFF', 'WAVE', spoken.length - 8])
    const plain = Buffer.from(await (await client.audio.speech.create({ model: 'demo', voice: 'alloy', input: 'Three short words', response_format: 'pcm' })).arrayBuffer())
    expect(plain).toEqual(spoken.subarray(44))
    expect(await post('audio/speech', { model: 'demo', voice: 'x', input: 'a', response_format: 'mp3' })).toMatchObject({ status: 400, body: { error: { param: 'response_format' } } })
    const { text } = await client.audio.transcriptions.create({ model: 'demo', file: await toFile(spoken, 'talk.wav', { type: 'audio/wav' }) })
    expect(text).toContain('demo model')
    const translated = await client.audio.translations.create({ model: 'demo', file: await toFile(spoken, 'talk.wav', { type: 'audio/wav' }), response_format: 'verbose_json' })
    expect(translated).toMatchObject({ task: 'translate', language: 'english', text: expect.stringMatching(/demo model .* have sound translated/) })
  })

  test('a transcript in each of the formats, as subtitles by its length', async () => {
    // Two seconds at 128 kbit/s.
    const file = await toFile(Buffer.alloc(32_000), 'talk.wav', { type: 'audio/wav' })
    const ask = { model: 'demo', file }
    const text = await client.audio.transcriptions.create({ ...ask, response_format: 'text' })
    expect(text).toMatch(/^The demo model got a sound of 32000 bytes.*\n$/)
    const srt = await client.audio.transcriptions.create({ ...ask, response_format: 'srt' })
    expect(srt).toMatch(/^1\n00:00:00,000 --> 00:00:01,\d{3}\n.+\n\n2\n00:00:01,\d{3} --> 00:00:02,000\n.+\n$/)
    const vtt = await client.audio.transcriptions.create({ ...ask, response_format: 'vtt' })
    expect(vtt).toMatch(/^WEBVTT\n\n00:00:00\.000 --> 00:00:01\.\d{3}\n.+\n\n00:00:01\.\d{3} --> 00:00:02\.000\n.+\n$/)
    const verbose = await client.audio.transcriptions.create({ ...ask, response_format: 'verbose_json' })
    expect(verbose).toMatchObject({ duration: 2, language: 'english', segments: [{ id: 0, start: 0 }, { id: 1, end: 2 }], usage: { type: 'duration', seconds: 2 } })
    expect(verbose.words).toBeUndefined()
    expect(verbose.segments?.map(segment => segment.text).join(' ')).toBe(verbose.text)
    const byWord = await client.audio.transcriptions.create({ ...ask, response_format: 'verbose_json', timestamp_granularities: ['word'] })
    expect(byWord.words?.map(({ word }) => word).join(' ')).toBe(byWord.text)
    expect(byWord.segments).toBeUndefined()
    await expect(client.audio.transcriptions.create({ ...ask, response_format: 'diarized_json' })).rejects.toMatchObject({ status: 400, param: 'response_format' })
  })
})

test.each(['embeddings', 'images/generations', 'audio/speech', 'audio/transcriptions', 'audio/translations', 'images/edits', 'moderations', 'rerank'])('/v1/%s needs its scope, a key, and a body', async (path) => {
  const { key: reader } = await gateway.createKey({ scopes: ['chat'] })
  const form = `--b\r\ncontent-disposition: form-data; name="model"\r\n\r\ndemo\r\n--b\r\ncontent-disposition: form-data; name="prompt"\r\n\r\na\r\n--b\r\ncontent-disposition: form-data; name="${path === 'images/edits' ? 'image' : 'file'}"; filename="a"\r\n\r\nx\r\n--b--`
  const [body, type] = path.startsWith('audio/trans') || path === 'images/edits' ? [form, 'multipart/form-data; boundary=b'] : [JSON.stringify({ model: 'demo', input: 'a', prompt: 'a', query: 'a', documents: ['a'] }), 'application/json']
  expect(await post(path, body, { 'authorization': `Bearer ${reader}`, 'content-type': type })).toMatchObject({ status: 403, body: { error: { code: 'insufficient_scope' } } })
  expect(await post(path, body, { authorization: 'Bearer nobody' })).toMatchObject({ status: 401 })
  expect(await post(path, '', { 'content-type': type })).toMatchObject({ status: 400 })
})

/** Of an org whose wallet is empty, and which can reach OpenAI alone. */
async function clientOfPoor(): Promise<OpenAI> {
  const poor = await signUp(new Visitor(gateway.loom, { ...gateway.admin }), `poor-${randomUUID()}@example.com`)
  await poor.succeed('POST', '/api/connections', { kind: 'openai', name: 'own-openai', secret: 'sk-own' })
  const { key: its } = CreatedApiKey.parse((await poor.succeed('POST', '/api/keys', { name: 'test' })).body)
  await until(async () => (await fetch(`${gateway.loom.url}/v1/models/own-openai/whisper-1`, { headers: { authorization: `Bearer ${its}` } })).ok, { what: () => 'the connection to be known' })
  return gateway.client(its)
}

async function connectionId(name: string): Promise<string> {
  const { connections } = await gateway.api('GET', '/api/connections')
  const found = Array.isArray(connections) ? connections.find(connection => connection.name === name) : undefined
  return String(found?.id)
}

/** A bare call, for what the SDK would not send. */
async function post(path: string, body: unknown, headers: Record<string, string> = {}) {
  const response = await fetch(`${gateway.loom.url}/v1/${path}`, {
    method: 'POST',
    headers: { 'authorization': `Bearer ${key}`, 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body)
  })
  return { status: response.status, body: await response.json() }
}
