import { PassThrough, Readable } from 'node:stream'
import { describe, expect, test, vi } from 'vitest'
import { LoomError } from '../../../server/errors'
import { LatencyBoard } from '../../../server/gateway/latency-board'
import { openUpstream } from '../../../server/gateway/open-upstream'
import { errorHeaders } from '../../../server/gateway/openai-error'
import { chatCompletions } from '../../../server/gateway/operations/chat-completions'
import { embeddings } from '../../../server/gateway/operations/embeddings'
import { imagesGenerations } from '../../../server/gateway/operations/images-generations'
import { messages } from '../../../server/gateway/operations/messages'
import { responses } from '../../../server/gateway/operations/responses'
import type { Transport } from '../../../server/gateway/providers/provider'
import { TargetHealth } from '../../../server/gateway/target-health'
import { UnansweredError, UnreachableError } from '../../../server/gateway/transport'
import { parseCall, targetOf } from '../../support/operation-calls'
import { connectionOf } from '../../support/provider-calls'

/** A connection whose secret is a word that our own messages have, too. */
const target = targetOf('openai-compatible', 'm', { connection: connectionOf('openai-compatible', { baseUrl: 'https://x.example/v1', secret: 'provider' }) })

const chat = (stream: boolean) => parseCall(chatCompletions, { model: 'm', stream, messages: [{ role: 'user', content: 'Hi' }] })
/** What a provider answers, whatever it is asked. */
const answer = (status: number, body: string, type = 'text/event-stream'): Transport => () => Promise.resolve({ status, headers: { 'content-type': type }, body: Readable.from([Buffer.from(body)], { objectMode: false }) })

function call(transport: Transport, health = new TargetHealth(), retries = 0, request = chat(true), targets = [target], latencies = new LatencyBoard()) {
  return openUpstream(request, targets, {
    orgId: 'org', health, latencies, transport, retries, signal: new AbortController().signal, progress: { attempts: [], target: undefined }, observe: () => {}
  })
}

test('a server that cannot be reached is told so in our own words, and counts as one for everybody, whatever the secret of its connection', async () => {
  const health = new TargetHealth()
  const refuse: Transport = () => Promise.reject(new UnreachableError('upstream_error', 'The connection to the provider failed.'))
  for (let tries = 0; tries < 5; tries++) await expect(call(refuse, health)).rejects.toMatchObject({ message: 'The connection to the provider failed.' })
  expect(health.resting()).toMatchObject([{ orgId: null, connectionId: target.connection.id }])
})

test.each(['data: [DONE]\n\n', 'data: {"object":"error","message":"EngineDeadError","code":500}\n\ndata: [DONE]\n\n'])('a stream that is no more than %j is tried again', async (failure) => {
  const bodies = [failure, 'data: {"choices":[{"delta":{"content":"Hi"}}]}\n\n']
  const opened = await call(() => Promise.resolve({ status: 200, headers: { 'content-type': 'text/event-stream' }, body: Readable.from([Buffer.from(bodies.shift() ?? '')], { objectMode: false }) }), new TargetHealth(), 1)
  expect(opened.kind === 'stream' && opened.first.toString()).toContain('"Hi"')
})

test('what a provider tells of a failure is looked through for the secret, our own account of it is not', async () => {
  await expect(call(answer(200, 'data: {"error":{"message":"Your provider key is off"}}\n\n'))).rejects.toMatchObject({ message: 'Your [redacted] key is off' })
  await expect(call(answer(500, '{"error":{"message":"Your provider key is off"}}'))).rejects.toMatchObject({ message: 'Your [redacted] key is off' })
  await expect(call(answer(400, '{"error":{"message":"No","code":"provider","param":"the provider"}}'))).rejects.toMatchObject({ told: { code: undefined }, param: 'the [redacted]' })
  await expect(call(answer(500, '{}'))).rejects.toMatchObject({ message: 'The provider answered with status 500 and no explanation.' })
})

const inMessages = (stream: boolean) => parseCall(messages, { model: 'm', max_tokens: 10, stream, messages: [{ role: 'user', content: 'Hi' }] })
const inResponses = (stream: boolean) => parseCall(responses, { model: 'm', stream, input: 'Hi' })
const limited = { message: 'Rate limit exceeded: free-models-per-day', code: 429 }

describe.each([
  ['JSON', 'application/json', (told: object) => JSON.stringify(told)],
  ['a stream', 'text/event-stream', (told: object) => `data: ${JSON.stringify(told)}\n\n`]
])('a failure that a provider tells under a 200, in %s,', (_, type, write) => {
  const requests = [['chat', chat(true)], ['messages', inMessages(true)], ['responses', inResponses(true)], ...type === 'application/json' ? [['chat', chat(false)], ['messages', inMessages(false)], ['responses', inResponses(false)], ['embeddings', parseCall(embeddings, { model: 'm', input: 'Hi' })]] as const : []] as const

  test.each(requests)('is one as if it had its status, its words kept: %s, %#', async (__, request) => {
    const health = new TargetHealth()
    const told = (body: object) => call(answer(200, write(body), type), health, 0, request)
    for (let times = 0; times < 6; times++) await expect(told({ error: limited })).rejects.toMatchObject({ status: 429, code: 'rate_limit_exceeded', message: limited.message })
    expect(health.resting()).toEqual([])
    await expect(told({ error: { message: 'The provider is off', code: '503' } })).rejects.toMatchObject({ status: 503, message: 'The [redacted] is off' })
    await expect(told({ object: 'error', ...limited, code: 400 })).rejects.toMatchObject({ status: 400, code: 'invalid_request', message: limited.message })
    await expect(told({ error: { message: 'No such key', code: 401 } })).rejects.toMatchObject({ status: 502, message: expect.stringContaining('credential') })
    await expect(told({ error: 'Out of memory' })).rejects.toMatchObject({ status: 502, message: 'Out of memory' })
  })
})

test('an error of Google\'s endpoint in OpenAI\'s format, which comes in a list, is read as any', async () => {
  const quota = { code: 429, message: 'Quota exceeded', status: 'RESOURCE_EXHAUSTED', details: [{ '@type': 'type.googleapis.com/google.rpc.RetryInfo', 'retryDelay': '34.4s' }] }
  await expect(call(answer(429, JSON.stringify([{ error: quota }]), 'application/json'))).rejects.toMatchObject({ status: 429, message: 'Quota exceeded', retryAfterSeconds: 35 })
  await expect(call(answer(200, `data: ${JSON.stringify([{ error: quota }])}\n\n`))).rejects.toMatchObject({ status: 429, message: 'Quota exceeded' })
  await expect(call(answer(500, '[]', 'application/json'))).rejects.toMatchObject({ status: 500, message: expect.stringContaining('no explanation') })
})

test.each([
  ['Anthropic', 400, { type: 'error', error: { type: 'invalid_request_error', message: 'Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade or purchase credits.' } }, 'run out of money'],
  ['OpenAI', 400, { error: { message: 'Billing hard limit has been reached', type: 'invalid_request_error', code: 'billing_hard_limit_reached' } }, 'run out of money'],
  ['OpenAI', 429, { error: { message: 'Your account is not active', type: 'billing_not_active', code: 'billing_not_active' } }, 'run out of money'],
  ['xAI', 400, { code: 'Client specified an invalid argument', error: 'Incorrect API key provided: xa***Kz. You can obtain an API key from https://console.x.ai.' }, 'credential']
])('what %s says of the connection\'s own account (%i) is told in our words, and sends the call to the next target', async (_, status, body, words) => {
  const tried: string[] = []
  const other = targetOf('openai-compatible', 'other', { connection: connectionOf('openai-compatible', { id: 'other', baseUrl: 'https://y.example/v1' }) })
  const opened = await call((request, signal) => {
    tried.push(String(request.url))
    const given = tried.at(-1)?.includes('x.example') ? answer(status, JSON.stringify(body), 'application/json') : answer(200, 'data: {"choices":[{"delta":{}}]}\n\n')
    return given(request, signal)
  }, new TargetHealth(), 2, chat(true), [target, other])
  expect(opened.target).toBe(other)
  expect(tried).toHaveLength(2)
  await expect(call(answer(status, JSON.stringify(body), 'application/json'))).rejects.toMatchObject({ status: 502, code: 'upstream_error', message: expect.stringContaining(words) })
})

const other = targetOf('openai-compatible', 'other', { connection: connectionOf('openai-compatible', { id: 'other', baseUrl: 'https://y.example/v1' }) })
const tooLate = () => new LoomError('upstream_timeout', 'The provider did not answer in time.')

test.each([false, true])('an answer that takes too long is asked for once, and then of the next target; what comes of it is not to be tried again (streamed: %s)', async (stream) => {
  const tried: string[] = []
  const late: Transport = (request) => {
    tried.push(request.url.host)
    return Promise.reject(tooLate())
  }
  const failed = await call(late, new TargetHealth(), 2, chat(stream), [target, other]).catch((error: unknown) => error)
  expect(failed).toBeInstanceOf(UnansweredError)
  expect(failed).toMatchObject({ status: 504, code: 'upstream_timeout', message: stream ? expect.not.stringContaining('Ask for a stream') : expect.stringContaining('Ask for a stream') })
  expect(failed instanceof LoomError && errorHeaders(failed)).toEqual({ 'x-should-retry': 'false' })
  expect(tried).toEqual(['x.example', 'y.example'])
})

test.each([
  ['refuses connections', () => Promise.reject(new UnreachableError('upstream_error', 'The connection to the provider failed.'))],
  ['fails', answer(500, '{}', 'application/json')],
  ['refuses it', answer(400, '{"error":{"message":"No such field"}}', 'application/json')],
  ['cannot express it', () => Promise.reject(new LoomError('invalid_request', 'Claude writes one answer.'))]
])('a whole answer that took too long is what is told, and charged, though the next target %s', async (_, next: Transport) => {
  const progress = { attempts: [], target: undefined }
  const transport: Transport = (request, signal) => request.url.host === 'x.example' ? Promise.reject(tooLate()) : next(request, signal)
  const failed = openUpstream(chat(false), [target, other], { orgId: 'org', health: new TargetHealth(), latencies: new LatencyBoard(), transport, retries: 0, signal: new AbortController().signal, progress, observe: () => {} })
  await expect(failed).rejects.toBeInstanceOf(UnansweredError)
  expect(progress).toMatchObject({ attempts: [{}, {}], target })
})

function endless(tried: string[], type = 'application/json'): Transport {
  return (request) => {
    tried.push(request.url.host)
    return Promise.resolve({ status: 200, headers: { 'content-type': type }, body: Readable.from(Array.from({ length: 65 }, () => Buffer.alloc(1024 * 1024, ' ')), { objectMode: false }) })
  }
}

test.each([{}, { models: ['other'] }])('pictures too large to be taken are asked for once, of no other target, and charged as an answer that nobody waited for: %j', async (more) => {
  const tried: string[] = []
  const health = new TargetHealth()
  const pictures = () => call(endless(tried), health, 2, parseCall(imagesGenerations, { model: 'm', prompt: 'A cat', n: 10, ...more }), [target, other]).catch((error: unknown) => error)
  const failed = await pictures()
  expect(failed).toBeInstanceOf(UnansweredError)
  expect(failed).toMatchObject({ status: 502, code: 'upstream_error', message: expect.stringMatching(/larger than 64 MiB.*not asked again\. Ask for a stream/) })
  expect(tried).toEqual(['x.example'])
  // Who makes large pictures is not broken.
  for (let again = 0; again < 5; again++) await pictures()
  expect(new Set(tried)).toEqual(new Set(['x.example']))
})

test('another answer too large to be taken, be it translated, is asked for once of each target', async () => {
  const gemini = targetOf('google', 'gemini-3-pro-image')
  const tried: string[] = []
  const failed = await call(endless(tried), new TargetHealth(), 2, chat(false), [gemini, target]).catch((error: unknown) => error)
  expect(failed).toBeInstanceOf(UnansweredError)
  expect(failed).toMatchObject({ message: expect.not.stringContaining('Ask for a stream') })
  expect(tried).toHaveLength(2)
})

test.each(['{}', '[]'])('an answer of millions of %s, which take twenty times their bytes once they are parsed, is too large, too', async (value) => {
  const tried: string[] = []
  const crowded: Transport = (request, signal) => {
    tried.push(request.url.host)
    return answer(200, `{"id":"c","choices":[${Array.from({ length: 3_000_000 }, () => value).join(',')}]}`, 'application/json')(request, signal)
  }
  const gemini = targetOf('google', 'gemini-3-pro')
  const failed = await call(crowded, new TargetHealth(), 2, chat(false), [gemini, target]).catch((error: unknown) => error)
  expect(failed).toBeInstanceOf(UnansweredError)
  expect(failed).toMatchObject({ status: 502, code: 'upstream_error', message: expect.stringMatching(/more lists and objects than are read\. .*not asked again\.$/) })
  expect(tried).toHaveLength(2)
})

test.each([
  ['embeddings as lists of numbers', parseCall(embeddings, { model: 'm', input: 'Hi' }), () => ({ object: 'list', data: Array.from({ length: 1_000 }, (_, index) => ({ object: 'embedding', index, embedding: Array.from({ length: 3_072 }, () => 0.25) })), usage: { prompt_tokens: 1, total_tokens: 1 } })],
  ['the log probabilities of a long chat', chat(false), () => {
    const token = { token: ' the', logprob: -0.5, bytes: [32, 116], top_logprobs: Array.from({ length: 20 }, () => ({ token: ' the', logprob: -0.5, bytes: [32, 116] })) }
    return { id: 'c', choices: [{ index: 0, message: { role: 'assistant', content: 'Hi' }, logprobs: { content: Array.from({ length: 30_000 }, () => token) }, finish_reason: 'stop' }], usage: { prompt_tokens: 1, completion_tokens: 30_000 } }
  }]
])('%s pass, however many they are', async (_, request, body) => {
  await expect(call(answer(200, JSON.stringify(body()), 'application/json'), new TargetHealth(), 0, request)).resolves.toMatchObject({ kind: 'whole' })
})

test.each(['google', 'anthropic'] as const)('an event of a stream too large to be taken, from %s, is asked for once, of no other target, until its target rests for it', async (kind) => {
  const tried: string[] = []
  const health = new TargetHealth()
  const first = targetOf(kind, 'm', { connection: connectionOf(kind, { id: 'first', baseUrl: 'https://first.example' }) })
  const drawn = () => call(endless(tried, 'text/event-stream'), health, 2, parseCall(chatCompletions, { model: 'm', models: ['other'], stream: true, messages: [{ role: 'user', content: 'Draw' }] }), [first, target]).catch((error: unknown) => error)
  for (let times = 0; times < 5; times++) {
    const failed = await drawn()
    expect(failed).toBeInstanceOf(UnansweredError)
    expect(failed).toMatchObject({ status: 502, code: 'upstream_error', message: expect.stringMatching(/an event larger than 64 MiB.*not asked again\.$/) })
  }
  expect(tried).toEqual(Array.from({ length: 5 }, () => 'first.example'))
  expect(health.resting()).toMatchObject([{ orgId: 'org', connectionId: first.connection.id, model: 'm' }])
  await drawn()
  expect(tried.at(-1)).toBe('x.example')
})

test('who waited for an answer that cannot stream is not told to ask for a stream', async () => {
  await expect(call(() => Promise.reject(tooLate()), new TargetHealth(), 0, parseCall(embeddings, { model: 'm', input: 'Hi' }))).rejects.toMatchObject({ message: expect.not.stringContaining('stream') })
})

test.each([false, true])('a call that no connection came about for is tried again (streamed: %s)', async (stream) => {
  const cause = new UnreachableError('upstream_timeout', 'The provider could not be reached in time.')
  let count = 0
  const failed = await call(() => {
    count++
    return Promise.reject(cause)
  }, new TargetHealth(), 1, chat(stream)).catch((error: unknown) => error)
  expect(failed).toBe(cause)
  expect(count).toBe(2)
})

test.each([': OPENROUTER PROCESSING\n\n', 'event: response.created\ndata: {"type":"response.created","response":{}}\n\n'])('%j is no answer yet: a failure after it sends the call to the next target', async (head) => {
  const opened = await call((request, signal) => {
    const failure = 'data: {"error":{"code":"insufficient_quota","message":"You exceeded your current quota"}}\n\n'
    return answer(200, head + (request.url.host === 'x.example' ? failure : 'data: {"choices":[{"delta":{"content":"Hi"}}]}\n\n'))(request, signal)
  }, new TargetHealth(), 2, chat(true), [target, other])
  expect(opened).toMatchObject({ target: other, kind: 'stream' })
  expect(opened.kind === 'stream' && opened.first.toString()).toBe(`${head}data: {"choices":[{"delta":{"content":"Hi"}}]}\n\n`)
})

test('what comes before an answer is not held back without bound', async () => {
  const megabyte = `data: {"choices":[],"padding":"${'x'.repeat(1024 * 1024)}"}\n\n`
  const opened = await call(answer(200, megabyte.repeat(5)))
  expect(opened.kind).toBe('stream')
})

test('what comes before an answer is not held back for long', async () => {
  vi.useFakeTimers()
  try {
    const body = new PassThrough()
    const head = ': keep-alive\n\n'
    const opening = call(() => Promise.resolve({ status: 200, headers: { 'content-type': 'text/event-stream' }, body }))
    body.write(head)
    await vi.advanceTimersByTimeAsync(14_000)
    body.write(head)
    await vi.advanceTimersByTimeAsync(1_000)
    const opened = await opening
    expect(opened.kind === 'stream' && opened.first.toString()).toBe(head + head)
    body.destroy()
  } finally {
    vi.useRealTimers()
  }
})

test.each([
  ['has no quota left', 429, 'insufficient_quota', 'other'], ['is asked too often', 429, 'rate_limit_exceeded', 'other'], ['does not know the model', 404, 'model_not_found', 'other'],
  ['has not what another account gave', 400, 'previous_response_not_found', 'm'], ['refuses the request', 400, 'invalid_value', 'm']
])('by latency, a target that %s does not look quick', async (_, status, code, first) => {
  const [quick, slow] = [target, other].map(one => ({ ...one, strategy: 'least-latency' as const }))
  if (!quick || !slow) throw new Error('no targets')
  const latencies = new LatencyBoard()
  latencies.answered(quick, true, 200)
  latencies.answered(slow, true, 900)
  await call(answer(status, JSON.stringify({ error: { message: 'No', code } }), 'application/json'), new TargetHealth(), 0, chat(true), [quick], latencies).catch(() => {})
  const [best] = [quick, slow].sort((a, b) => latencies.rank(a, true) - latencies.rank(b, true))
  expect(best?.upstreamModel).toBe(first)
})

test.each(['previous_response_not_found', 'invalid_encrypted_content'])('what only another account can have (%s) is asked of the next target', async (code) => {
  const refused = answer(400, JSON.stringify({ error: { message: 'Not here', type: 'invalid_request_error', code } }), 'application/json')
  const opened = await call((request, signal) => request.url.host === 'x.example' ? refused(request, signal) : answer(200, 'data: {"choices":[{"delta":{}}]}\n\n')(request, signal), new TargetHealth(), 2, chat(true), [target, other])
  expect(opened.target).toBe(other)
  await expect(call(refused)).rejects.toMatchObject({ status: 400, told: { code } })
})

test('what a provider answered is told, though the next target cannot express the request', async () => {
  const refused = answer(400, JSON.stringify({ error: { message: 'Not here', code: 'previous_response_not_found' } }), 'application/json')
  const request = parseCall(responses, { model: 'm', stream: true, input: 'Hi', previous_response_id: 'resp_1' })
  await expect(call(refused, new TargetHealth(), 0, request, [targetOf('openai', 'gpt-5'), target])).rejects.toMatchObject({ told: { code: 'previous_response_not_found' } })
})

test.each([[400, 'previous_response_not_found'], [404, null]])('that a target does not have what is asked for (%i) does not hide the failure of the one before', async (status, code) => {
  const absent = answer(status, JSON.stringify({ error: { message: 'Not here', code } }), 'application/json')
  const failing = answer(503, '{"error":{"message":"Overloaded"}}', 'application/json')
  const ask = (first: Transport, next: Transport) => call((request, signal) => (request.url.host === 'x.example' ? first : next)(request, signal), new TargetHealth(), 0, chat(true), [target, other])
  await expect(ask(failing, absent)).rejects.toMatchObject({ status: 503, message: 'Overloaded' })
  await expect(ask(absent, failing)).rejects.toMatchObject({ status: 503, message: 'Overloaded' })
  await expect(ask(absent, absent)).rejects.toMatchObject({ status })
})

test('what a kind of provider cannot express is refused though another of that kind rests, and waits for one of another kind', async () => {
  const health = new TargetHealth()
  const [claude, resting] = [targetOf('anthropic', 'claude'), targetOf('anthropic', 'claude-resting')]
  for (const one of [resting, target]) {
    for (let failures = 0; failures < 5; failures++) await call(answer(500, '{}', 'application/json'), health, 0, chat(true), [one]).catch(() => {})
  }
  const two = parseCall(chatCompletions, { model: 'm', n: 2, messages: [{ role: 'user', content: 'Hi' }] })
  const ask = (targets: typeof claude[]) => call(answer(200, '{}'), health, 0, two, targets)
  await expect(ask([resting, claude])).rejects.toMatchObject({ status: 400, param: 'n' })
  await expect(ask([target, claude])).rejects.toMatchObject({ status: 503, code: 'no_healthy_target' })
})
