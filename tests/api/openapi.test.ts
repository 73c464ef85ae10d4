import { readdirSync } from 'node:fs'
import { join, relative } from 'node:path'
import { request } from 'undici'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { operations } from '../../server/gateway/operations/registry'
import type { GatewayUnderTest } from '../support/open-gateway'
import { model, openGateway } from '../support/open-gateway'

const Reference = z.object({ $ref: z.string().startsWith('#/components/schemas/') })
const Response = z.looseObject({ description: z.string(), headers: z.record(z.string(), z.unknown()).optional(), content: z.record(z.string(), z.object({ schema: z.record(z.string(), z.unknown()) })) })
const Described = z.looseObject({
  operationId: z.string().min(1),
  summary: z.string().min(1),
  tags: z.array(z.string()).length(1),
  security: z.array(z.record(z.string(), z.array(z.string()))),
  parameters: z.array(z.looseObject({ name: z.string() })),
  requestBody: z.looseObject({ content: z.record(z.string(), z.unknown()) }).optional(),
  responses: z.record(z.string(), z.union([z.object({ $ref: z.string() }), Response]))
})
const Description = z.looseObject({
  openapi: z.literal('3.1.0'),
  paths: z.record(z.string(), z.record(z.string(), Described)),
  components: z.looseObject({ responses: z.record(z.string(), Response), schemas: z.record(z.string(), z.record(z.string(), z.unknown())) })
})
type Description = z.infer<typeof Description>

let gateway: GatewayUnderTest
let key: string
let description: Description

beforeAll(async () => {
  gateway = await openGateway()
  key = (await gateway.createKey()).key
  description = Description.parse(await (await fetch(`${gateway.loom.url}/v1/openapi.json`)).json())
})
afterAll(() => gateway.remove())

/** Every route of `/v1`, as OpenAPI writes it, from the files and operations they are made of. */
function findRoutes(): string[] {
  const folder = join(import.meta.dirname, '../../server/routes/v1')
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter(entry => entry.isFile()).map(entry => relative(folder, join(entry.parentPath, entry.name)))
  const routes = files.flatMap((file) => {
    const [, path = '', method] = /^(.*?)\.(get|post|put|patch|delete)\.ts$/.exec(file) ?? []
    return method ? [`${method} /v1/${path.replace(/\/?index$/, '').replaceAll(/\[(?:\.\.\.)?(\w+)\]/g, '{$1}')}`] : []
  })
  return [...routes, ...operations.map(({ path }) => `post ${path}`)]
}

/** What the description promises of an answer. */
function promisedOf(path: string, method: string, status: number): z.infer<typeof Response> {
  const responses = description.paths[path]?.[method]?.responses
  const promised = responses?.[status] ?? responses?.default
  return Response.parse(promised && '$ref' in promised ? description.components.responses[String(promised.$ref).split('/').at(-1) ?? ''] : promised)
}

function schemaOf(path: string, method: string, status: number): z.ZodType {
  return z.fromJSONSchema(withoutReferences(promisedOf(path, method, status).content['application/json']?.schema ?? {}))
}

/** Headers that Loom sets and the description does not promise of such an answer. */
function undescribed(path: string, method: string, { status, headers }: globalThis.Response): string[] {
  const promised = Object.keys(promisedOf(path, method, status).headers ?? {})
  return [...headers.keys()].filter(name => /^(x-(loom|ratelimit|request|should)|request-id|server-timing|age$|idempotent|retry-after)/.test(name) && !promised.includes(name))
}

/** The schema with those it refers to in their places. */
function withoutReferences(schema: Record<string, unknown>): Record<string, unknown> {
  return JSON.parse(JSON.stringify(schema, (_, value: unknown) => {
    const reference = Reference.safeParse(value)
    return reference.success ? description.components.schemas[reference.data.$ref.split('/').at(-1) ?? ''] : value
  }))
}

/** What the description takes as a call. */
function bodyOf(path: string): z.ZodType {
  const { schema } = z.object({ schema: z.record(z.string(), z.unknown()) }).parse(description.paths[path]?.post?.requestBody?.content['application/json'])
  // Zod reads patterns without the flag they are written for.
  return z.fromJSONSchema(JSON.parse(JSON.stringify(schema, (key, value: unknown) => key === 'pattern' ? undefined : value)))
}

test('every route of /v1 is described, and nothing else', () => {
  const described = Object.entries(description.paths).flatMap(([path, methods]) => Object.keys(methods).map(method => `${method} ${path}`))
  expect(described.toSorted()).toEqual(findRoutes().toSorted())
})

test('what is posted is described, and what its headers may say of the charge', () => {
  for (const [path, { post }] of Object.entries(description.paths)) {
    if (!post) continue
    expect(Object.keys(post.requestBody?.content ?? {}), path).not.toEqual([])
    expect(post.parameters.map(({ name }) => name), path).toEqual(expect.arrayContaining(['X-Billing-Amount', 'X-Billing-Ref-Id']))
    for (const status of ['409', '413', '422']) expect(post.responses, path).toHaveProperty(status)
  }
})

test('a decision is described with the header of messages that counts there', () => {
  expect(description.paths['/v1/policy/check']?.post?.parameters.map(({ name }) => name)).toContain('anthropic-beta')
})

test('each description tells the scope a key needs, and the errors', () => {
  const ids: string[] = []
  for (const [path, methods] of Object.entries(description.paths)) {
    for (const [method, { operationId, security, responses }] of Object.entries(methods)) {
      ids.push(operationId)
      if (path === '/v1/openapi.json') continue
      expect([...new Set(security.flatMap(Object.keys))], `${method} ${path}`).toEqual(['bearer', 'anthropic', 'azure'])
      for (const status of ['401', '403', '429']) expect(responses, `${method} ${path}`).toHaveProperty(status)
    }
  }
  expect(new Set(ids).size).toBe(ids.length)
})

describe('real answers are what the description promises', () => {
  const ask = (method: string, path: string, body?: unknown, token = key) => fetch(gateway.loom.url + path, {
    method: method.toUpperCase(),
    headers: { 'authorization': `Bearer ${token}`, 'content-type': 'application/json' },
    ...(body !== undefined && { body: JSON.stringify(body) })
  })
  const messages = [{ role: 'user', content: 'Hi' }]
  let traceId: string
  beforeAll(async () => {
    const answer = await ask('post', '/v1/chat/completions', { model, messages })
    traceId = String(answer.headers.get('x-request-id'))
  })

  test.each<[string, string, string, number, unknown?]>([
    ['post', '/v1/chat/completions', '/v1/chat/completions', 200, { model, messages }],
    ['post', '/v1/chat/completions', '/v1/chat/completions', 200, { models: [model], messages }],
    ['post', '/v1/chat/completions', '/v1/chat/completions', 400, { model, messages: 'hi' }],
    ['post', '/v1/chat/completions', '/v1/chat/completions', 404, { model: 'nope', messages }],
    ['post', '/v1/completions', '/v1/completions', 200, { model, prompt: 'Hi' }],
    ['post', '/v1/responses', '/v1/responses', 200, { model: 'demo', input: 'Hi' }],
    ['post', '/v1/messages', '/v1/messages', 200, { model: 'demo', messages, max_tokens: 20 }],
    ['post', '/v1/messages', '/v1/messages', 400, { model: 'demo', messages, max_tokens: 'many' }],
    ['post', '/v1/messages/count_tokens', '/v1/messages/count_tokens', 200, { model: 'demo', messages }],
    ['post', '/v1/embeddings', '/v1/embeddings', 200, { model: 'demo', input: 'Hi' }],
    ['post', '/v1/moderations', '/v1/moderations', 200, { model: 'demo', input: 'Hi' }],
    ['post', '/v1/rerank', '/v1/rerank', 200, { model: 'demo', query: 'Hi', documents: ['Hi', 'Bye'] }],
    ['post', '/v1/images/generations', '/v1/images/generations', 200, { model: 'demo', prompt: 'A loom' }],
    ['post', '/v1/policy/check', '/v1/policy/check', 200, { endpoint: '/v1/chat/completions', body: { model, messages } }],
    ['get', '/v1/models', '/v1/models', 200],
    ['get', '/v1/models/{id}', '/v1/models/demo', 200],
    ['get', '/v1/models/{id}', '/v1/models/nope', 404],
    ['get', '/v1/traces', '/v1/traces', 200],
    ['get', '/v1/traces', '/v1/traces?limit=0', 400],
    ['get', '/v1/traces/{id}', '/v1/traces/{trace}?include=bodies', 200],
    ['get', '/v1/traces/{id}', '/v1/traces/nope', 404],
    ['get', '/v1/usage', '/v1/usage?group_by=model', 200],
    ['get', '/v1/analytics/summary', '/v1/analytics/summary?window=7d&time_zone=Europe/Berlin', 200],
    ['get', '/v1/analytics/summary', '/v1/analytics/summary?time_zone=Mars', 400],
    ['get', '/v1/analytics/timeseries', '/v1/analytics/timeseries?group_by=model', 200],
    ['delete', '/v1/cache', '/v1/cache', 200],
    ['get', '/v1/wallet', '/v1/wallet', 200],
    ['get', '/v1/transactions', '/v1/transactions', 200],
    ['get', '/v1/statements/{month}', `/v1/statements/${new Date().toISOString().slice(0, 7)}`, 200]
  ])('%s %s: %s → %i', async (method, path, url, status, body) => {
    const answer = await ask(method, url.replace('{trace}', traceId), body)
    const json: unknown = await answer.json()
    expect(answer.status, JSON.stringify(json)).toBe(status)
    expect(schemaOf(path, method, status).safeParse(json).error).toBeUndefined()
    expect(undescribed(path, method, answer)).toEqual([])
    if (status === 200 && body) expect(bodyOf(path).safeParse(body).error).toBeUndefined()
  })

  test('a status of the provider\'s own, and headers that tell when to come back', async () => {
    for (const path of ['/v1/chat/completions', '/v1/messages']) {
      gateway.upstream.respondWith({ status: 529, headers: { 'retry-after': '17' } })
      const answer = await ask('post', path, { model, messages, max_tokens: 10 })
      expect(answer.status).toBe(529)
      expect(schemaOf(path, 'post', 529).safeParse(await answer.json()).error).toBeUndefined()
      expect(undescribed(path, 'post', answer)).toEqual([])
      const response = description.components.responses[path === '/v1/messages' ? 'anthropic-default' : 'openai-default']
      for (const name of ['x-request-id', 'request-id', 'retry-after']) expect({ name, promised: name in (response?.headers ?? {}) }).toEqual({ name, promised: answer.headers.has(name) })
    }
  })

  test('headers of a limit that is used up, of a key that ends soon, of a repeat and of a cached answer', async () => {
    const { key } = await gateway.createKey({ limits: { requestsPerMinute: 3, tokensPerMinute: 1_000_000 }, expiresAt: new Date(Date.now() + 86_400_000).toISOString(), cacheTtlSeconds: 60 })
    const body = JSON.stringify({ model, messages: [{ role: 'user', content: 'Headers' }], max_tokens: 10 })
    const answers = []
    const sendings: Record<string, string>[] = [{ 'idempotency-key': 'once' }, { 'idempotency-key': 'once' }, {}, {}, {}]
    for (const headers of sendings) answers.push(await gateway.post(key, body, headers))
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 429])
    for (const answer of answers) expect(undescribed('/v1/chat/completions', 'post', answer)).toEqual([])
    const sent = new Set(answers.flatMap(({ headers }) => [...headers.keys()]))
    for (const name of ['age', 'idempotent-replayed', 'retry-after', 'server-timing', 'x-loom-cost-usd', 'x-loom-key-expires', 'x-loom-overhead-ms', 'x-ratelimit-limit-requests', 'x-ratelimit-reset-tokens']) expect(sent).toContain(name)
    expect(answers[0]?.headers.get('x-loom-overhead-ms')).toMatch(/^\d+\.\d\d$/)
    expect(answers[0]?.headers.get('server-timing')).toBe(`gateway;dur=${answers[0]?.headers.get('x-loom-overhead-ms')}`)
  })

  test('headers that are too large are refused as promised everywhere', async () => {
    const answer = await request(`${gateway.loom.url}/v1/models`, { headers: { 'x-large': 'x'.repeat(20_000) } })
    expect(answer.statusCode).toBe(431)
    const refusal: unknown = await answer.body.json()
    for (const [path, methods] of Object.entries(description.paths)) {
      if (path === '/v1/openapi.json') continue
      for (const [method, { responses }] of Object.entries(methods)) {
        for (const status of [408, 431]) {
          expect(responses, `${method} ${path}`).toHaveProperty(String(status))
          // A request that does not arrive in time is refused in the same words.
          expect(schemaOf(path, method, status).safeParse(refusal).error, `${method} ${path}`).toBeUndefined()
        }
      }
    }
  })

  test.each(['transcriptions', 'translations'])('%s in plain text', async (what) => {
    const form = new FormData()
    for (const [name, value] of Object.entries({ 'models[]': 'demo', 'response_format': 'srt' })) form.append(name, value)
    form.append('file', new Blob(['sound']), 'a.wav')
    const answer = await fetch(`${gateway.loom.url}/v1/audio/${what}`, { method: 'POST', headers: { authorization: `Bearer ${key}` }, body: form })
    expect(answer.status).toBe(200)
    const post = description.paths[`/v1/audio/${what}`]?.post
    const promised = Response.parse(post?.responses[200])
    expect(Object.keys(promised.content)).toContain(answer.headers.get('content-type')?.split(';')[0])
    expect(post?.requestBody?.content['multipart/form-data']).toMatchObject({ schema: { properties: { 'models[]': { type: 'array' } }, required: ['file'] } })
  })

  test('an edit of a picture', async () => {
    const form = new FormData()
    for (const [name, value] of Object.entries({ model: 'demo', prompt: 'A loom', n: '2' })) form.append(name, value)
    form.append('image', new Blob(['picture']), 'a.png')
    const answer = await fetch(`${gateway.loom.url}/v1/images/edits`, { method: 'POST', headers: { authorization: `Bearer ${key}` }, body: form })
    expect(answer.status).toBe(200)
    expect(schemaOf('/v1/images/edits', 'post', 200).safeParse(await answer.json()).error).toBeUndefined()
    expect(description.paths['/v1/images/edits']?.post?.requestBody?.content['multipart/form-data']).toMatchObject({ schema: { properties: { 'image[]': { type: 'array' }, 'n': {} }, required: ['prompt'] } })
    const named = await ask('post', '/v1/images/edits', { model: 'demo', prompt: 'A loom', images: [{ image_url: 'https://pictures.example/cat.png' }] })
    expect(schemaOf('/v1/images/edits', 'post', 200).safeParse(await named.json()).error).toBeUndefined()
    expect(description.paths['/v1/images/edits']?.post?.requestBody?.content['application/json']).toMatchObject({ schema: { properties: { images: { type: 'array' }, mask: {} }, required: ['prompt', 'images'] } })
  })

  test('a stranger gets the promised error everywhere', async () => {
    for (const [path, methods] of Object.entries(description.paths)) {
      for (const method of Object.keys(methods)) {
        if (path === '/v1/openapi.json') continue
        const answer = await ask(method, path.replace(/\{\w+\}/, 'x'), method === 'post' ? {} : undefined, 'loom_sk_none')
        expect(answer.status, `${method} ${path}`).toBe(401)
        expect(schemaOf(path, method, 401).safeParse(await answer.json()).error, `${method} ${path}`).toBeUndefined()
      }
    }
  })
})

test('the reference is open to strangers and shows every operation', async () => {
  const page = await fetch(`${gateway.loom.url}/reference`)
  expect(page.status).toBe(200)
  const html = await page.text()
  for (const path of Object.keys(description.paths)) expect(html).toContain(`>${path}<`)
})
