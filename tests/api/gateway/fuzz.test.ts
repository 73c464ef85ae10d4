import fc from 'fast-check'
import { request } from 'undici'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { recordReferences } from '../../../server/openapi/record-references'
import { operations } from '../../../server/gateway/operations/registry'
import { WireAnthropicError, WireError } from '../../../shared/wire'
import { checkLedgerOf } from '../../support/check-ledger'
import type { GatewayUnderTest } from '../../support/open-gateway'
import { model, openGateway, upstreamSecret } from '../../support/open-gateway'
import { until } from '../../support/until'

/** The same requests in every run; `FUZZ_SEED` asks for others, `FUZZ_RUNS` for more. A failure prints the request, shrunk. */
const seed = Number(process.env.FUZZ_SEED ?? 20_261_121)
const numRuns = Number(process.env.FUZZ_RUNS ?? 150)

let gateway: GatewayUnderTest
let key: string

beforeAll(async () => {
  console.info(`fuzzing with seed ${seed}, ${numRuns} requests an endpoint`)
  gateway = await openGateway({ UPSTREAM_RETRIES: '0', AUTH_FAILURES_PER_MINUTE: '1000000', MAX_BODY_BYTES: '100000' })
  key = (await gateway.createKey()).key
  for (const [kind, name] of [['anthropic', 'claude'], ['google', 'gemini']]) await gateway.api('POST', '/api/connections', { kind, name, baseUrl: gateway.upstream.url, secret: upstreamSecret })
})
afterAll(async () => {
  await until(async () => (await gateway.api('GET', '/api/wallet')).heldNanoUsd === '0', { what: () => 'every hold to be settled' })
  await gateway.loom.stop()
  expect(gateway.loom.logs()).not.toMatch(/uncaughtException|unhandledRejection|MaxListenersExceeded|internal_error|"level":"(?:error|fatal)"/)
  expect(await checkLedgerOf(gateway.loom)).toContain('The ledger is exact')
  await gateway.remove()
})

const messages = [{ role: 'user', content: 'Hello' }]
/** A body each endpoint takes, to be damaged. Those not here are attacked with this one, too. */
const valid: Record<string, Record<string, unknown>> = {
  'completions': { model, prompt: 'Hello' },
  'responses': { model, input: 'Hello' },
  'embeddings': { model, input: 'Hello' },
  'moderations': { model, input: 'Hello' },
  'images.generations': { model, prompt: 'A loom' },
  'images.edits': { model, prompt: 'A loom', images: [{ image_url: 'https://pictures.example/cat.png' }], mask: { file_id: 'a' } },
  'audio.speech': { model, input: 'Hello', voice: 'alloy' },
  'rerank': { model, query: 'Hello', documents: ['Hello', 'Goodbye'] },
  'messages': { model, messages, max_tokens: 10 },
  'messages.count_tokens': { model, messages }
}
const validOf = (name: string) => valid[name] ?? { model, messages }

const anyText = fc.oneof(fc.string({ unit: 'binary' }), fc.string(), fc.constantFrom('', '\0', '\u2028', '💥', 'null', '../../etc/passwd', '__proto__'))
const anyNumber = fc.oneof(fc.double(), fc.integer(), fc.constantFrom(0, -0, -1, 1e308, 2 ** 53, Number.MIN_VALUE))
const anyValue: fc.Arbitrary<unknown> = fc.letrec<{ value: unknown }>(tie => ({
  value: fc.oneof({ maxDepth: 4, withCrossShrink: true }, fc.constantFrom(null, true, false), anyNumber, anyText, fc.array(tie('value'), { maxLength: 4 }), fc.dictionary(anyText, tie('value'), { maxKeys: 4 }))
})).value

const fields = ['model', 'models', 'messages', 'prompt', 'input', 'query', 'documents', 'file', 'stream', 'stream_options', 'max_tokens', 'max_completion_tokens', 'max_output_tokens', 'n', 'tools', 'tool_choice', 'system', 'voice', 'size', 'response_format', 'metadata', '__proto__', 'constructor']

/** Some that lead somewhere, whatever follows the name of a connection. */
const alternatives = fc.array(fc.oneof(anyText, anyText.map(text => `demo/${text}`)), { minLength: 1, maxLength: 3 })

/** One whose format is that of most endpoints, and those that calls are translated to. */
const served = fc.constantFrom(model, 'claude/claude-sonnet-4-5', 'gemini/gemini-2.5-flash')

/** A good body with a few of its fields replaced or added. */
const damaged = (name: string) => fc.tuple(
  served,
  fc.array(fc.tuple(fc.oneof(fc.constantFrom(...fields, ...Object.keys(validOf(name))), anyText), anyValue), { maxLength: 3 }),
  fc.array(fc.tuple(fc.constantFrom('role', 'content', 'type', 'name', 'tool_calls', 'image_url'), anyValue), { maxLength: 3 }),
  fc.option(alternatives.map(models => ({ model: 'no/such', models })), { freq: 3 })
).map(([to, changes, inside, led]) => {
  const body: Record<string, unknown> = { ...validOf(name), model: to, ...Object.fromEntries(changes), ...led }
  if (inside.length > 0 && body.messages === messages) body.messages = [{ ...messages[0], ...Object.fromEntries(inside) }]
  return Buffer.from(JSON.stringify(body))
})

/** Valid, and deeper than anything that is written can be. */
const deep = (name: string) => fc.integer({ min: 1_000, max: 40_000 }).map(depth => Buffer.from(`{"deep":${'['.repeat(depth)}${']'.repeat(depth)},${JSON.stringify(validOf(name)).slice(1)}`))

const part = fc.tuple(fc.constantFrom('file', 'model', 'prompt', 'stream', 'x'), fc.option(anyText, { nil: undefined }), fc.oneof(fc.constant(Buffer.from(model)), fc.uint8Array({ maxLength: 200 }).map(bytes => Buffer.from(bytes))))
  .map(([name, filename, bytes]) => Buffer.concat([Buffer.from(`--b\r\ncontent-disposition: form-data; name="${name}"${filename === undefined ? '' : `; filename="${filename}"`}\r\n\r\n`), bytes, Buffer.from('\r\n')]))
const multipart = fc.tuple(fc.array(part, { maxLength: 4 }), fc.constantFrom('--b--\r\n', '--b', '')).map(([parts, end]) => Buffer.concat([...parts, Buffer.from(end)]))

/** Forms as a client writes them: with a model and a file, whatever their order, and fields of any text around them. */
const formField = (name: string, value: Buffer | string, rest = '') => Buffer.concat([Buffer.from(`--b0undary\r\ncontent-disposition: form-data; name="${name}"${rest}\r\n\r\n`), Buffer.from(value), Buffer.from('\r\n')])
const fieldName = fc.constantFrom('prompt', 'n', 'size', 'quality', 'partial_images', 'input_fidelity', 'mask', 'language', 'temperature', 'response_format', 'stream', 'models[]', 'include[]', 'timestamp_granularities[]', 'chunking_strategy', 'x', '__proto__', 'constructor')
const wholeForm = fc.record({
  modelName: fc.oneof({ weight: 3, arbitrary: fc.constantFrom(model, 'whisper-1', 'gpt-4o-transcribe', 'gpt-image-1') }, { weight: 1, arbitrary: anyText }),
  file: fc.uint8Array({ minLength: 0, maxLength: 5_000 }),
  fileField: fc.constantFrom('file', 'image', 'image[]'),
  fileName: fc.stringMatching(/^[\w .-]{0,20}$/),
  fields: fc.uniqueArray(fc.tuple(fieldName, fc.oneof(anyText, fc.constantFrom('true', 'false', 'verbose_json', 'srt', 'high', '2', 'A loom'))), { selector: ([name]) => name, maxLength: 4 }),
  places: fc.array(fc.nat(), { minLength: 6, maxLength: 6 })
}).map(({ modelName, file, fileField, fileName, fields: others, places }) => Buffer.concat([
  ...[formField('model', modelName), formField(fileField, Buffer.from(file), `; filename="${fileName}"\r\ncontent-type: audio/wav`), ...others.map(([name, value]) => formField(name, value))]
    .map((bytes, index) => ({ bytes, place: places[index] ?? 0 })).sort((a, b) => a.place - b.place).map(({ bytes }) => bytes),
  Buffer.from('--b0undary--\r\n')
]))

const anyBytes = fc.oneof(
  fc.uint8Array({ maxLength: 500 }).map(bytes => Buffer.from(bytes)),
  anyValue.map(value => Buffer.from(JSON.stringify(value) ?? '')),
  fc.integer({ min: 1, max: 20_000 }).map(depth => Buffer.from('['.repeat(depth))),
  fc.constant(Buffer.alloc(200_000, 'x'))
)

const headerText = fc.string({ unit: fc.integer({ min: 0x20, max: 0xFF }).filter(code => code !== 0x7F).map(code => String.fromCharCode(code)), maxLength: 60 })
/** Mostly none, for most of these are refused before anything else is looked at. */
const headers = fc.oneof({ weight: 3, arbitrary: fc.constant<Record<string, string>>({}) }, { weight: 2, arbitrary: fc.record({
  'content-type': fc.oneof(fc.constantFrom('application/json', 'multipart/form-data; boundary=b', 'multipart/form-data', 'text/plain', 'application/json; charset=utf-16'), headerText),
  'accept': headerText,
  'x-billing-amount': fc.oneof(fc.constantFrom('0', '0.001', '-1', '1e9', 'NaN'), headerText),
  'x-billing-ref-id': headerText,
  'idempotency-key': headerText,
  'traceparent': fc.oneof(fc.constant('00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'), headerText),
  'tracestate': fc.oneof(fc.constantFrom('rojo=00f067aa0ba902b7', 'a=b,c=d', 'x'.repeat(600)), headerText),
  'x-loom-cache': fc.oneof(fc.constantFrom('on', 'off', 'refresh', 'on, ttl=60', 'ttl=0', 'on, off'), headerText),
  'x-loom-tags': fc.oneof(fc.constantFrom('team=search', 'a=b, c=d', '=', 'a=,=b', 'a=a,a=b'), headerText),
  'anthropic-version': headerText,
  'anthropic-beta': headerText,
  'x-forwarded-for': headerText,
  'content-encoding': fc.constantFrom('gzip', 'identity', 'x'),
  'x-api-key': headerText,
  'api-key': headerText
}, { requiredKeys: [] }) })

type Method = 'GET' | 'POST' | 'DELETE' | 'PUT'
const methods = { get: 'GET', post: 'POST', delete: 'DELETE' } as const satisfies Record<string, Method>
interface Answer { status: number, type: string, text: string }

async function send(method: Method, path: string, extra: Record<string, string | undefined>, body?: Buffer): Promise<Answer> {
  const given = Object.fromEntries(Object.entries(extra).filter(([, value]) => value !== undefined))
  const response = await request(gateway.loom.url + path, { method, headers: { authorization: `Bearer ${key}`, ...given }, body: body ?? null })
  return { status: response.statusCode, type: String(response.headers['content-type'] ?? ''), text: await response.body.text() }
}

/** Never our own failure, and always words that the SDK of this format understands. */
function expectSound({ status, type, text }: Answer, errors: 'openai' | 'anthropic') {
  // A provider's failure is passed on as such; the database answers all the while.
  if (status >= 500) expect(text).not.toMatch(/internal_error|service_unavailable/)
  if (status === 500) expect(text).toContain('provider')
  if (type.startsWith('text/event-stream')) expect(text).not.toContain('internal_error')
  if (status < 400) return
  expect(type).toContain('application/json')
  const error = (errors === 'anthropic' ? WireAnthropicError : WireError).safeParse(JSON.parse(text))
  expect(error.error, text).toBeUndefined()
}

describe.each(operations.map(({ name, path, takesJson }) => ({ name, path, takesJson, errors: name.startsWith('messages') ? 'anthropic' as const : 'openai' as const })))('POST $path', ({ name, path, takesJson, errors }) => {
  test.each([['damaged requests', damaged(name)], ['deep requests', deep(name)], ['forms', multipart], ['well-formed forms', wholeForm], ['anything', anyBytes]])('answers %s soundly', async (_, body) => {
    await fc.assert(fc.asyncProperty(headers, body, async (given, bytes) => {
      const type = body === multipart ? { 'content-type': 'multipart/form-data; boundary=b' } : body === wholeForm ? { 'content-type': 'multipart/form-data; boundary=b0undary' } : takesJson ? { 'content-type': 'application/json' } : {}
      expectSound(await send('POST', path, { ...given, ...type }, bytes), errors)
    }), { seed, numRuns: Math.ceil(numRuns / 3) })
  })
})

const segment = fc.oneof(anyText.filter(text => text !== '').map(text => encodeURIComponent(text.toWellFormed())), fc.constantFrom('%00', '%ff', '%', '%2e%2e%2f', '..%2f', '019aa000-0000-7000-8000-000000000000', 'nope'))
const names = fc.oneof(fc.constantFrom('limit', 'cursor', 'from', 'to', 'status', 'model', 'api_key_id', 'type', 'format', 'group_by', 'include'), segment)
const query = fc.array(fc.tuple(names, segment), { maxLength: 4 }).map(pairs => pairs.map(([name, value]) => `${name}=${value}`).join('&'))

/** A dry run of a damaged or deep call, or anything. */
const dryRun = fc.oneof(anyBytes, fc.tuple(fc.constantFrom(...operations.map(({ path }) => path)), fc.oneof(damaged('chat.completions'), deep('chat.completions'))).map(([endpoint, body]) => Buffer.from(`{"endpoint":"${endpoint}","body":${body}}`)))

describe.each(recordReferences.map(({ method, path }) => ({ method: methods[method], path })))('$method $path', ({ method, path }) => {
  test('answers anything soundly', async () => {
    const body = method === 'POST' ? dryRun : fc.constant(undefined)
    await fc.assert(fc.asyncProperty(headers, segment, query, body, async (given, id, search, bytes) => {
      expectSound(await send(method, `${path.replace(/\{\w+\}/, id)}?${search}`, given, bytes), 'openai')
    }), { seed, numRuns: Math.ceil(numRuns / 3) })
  })
})

test('what is no route of /v1 is refused as an SDK can read it', async () => {
  const methods = fc.constantFrom<Method>('GET', 'POST', 'PUT', 'DELETE')
  const paths = fc.oneof(segment.map(text => `/v1/${text}`), fc.tuple(segment, segment).map(parts => `/v1/${parts.join('/')}`), fc.constantFrom(...operations.map(({ path }) => `${path}/x`)))
  await fc.assert(fc.asyncProperty(methods, paths, headers, async (method, path, given) => {
    const answer = await send(method, path, given, method === 'GET' ? undefined : Buffer.from('{}'))
    expectSound(answer, path.startsWith('/v1/messages/') ? 'anthropic' : 'openai')
    expect(answer.status).toBeGreaterThanOrEqual(400)
  }), { seed, numRuns })
})
