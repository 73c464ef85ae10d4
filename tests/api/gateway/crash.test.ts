import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import { request } from 'node:http'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterEach, expect, test } from 'vitest'
import { Conversation } from '../../../shared/conversations'
import { ProjectPage } from '../../../shared/projects'
import { TraceDetail, TracePage } from '../../../shared/traces'
import { openPostgres } from '../../../db/open-postgres'
import { createPostgresDatabase, testDatabaseKind } from '../../support/database'
import { checkLedgerOf } from '../../support/check-ledger'
import type { GatewayUnderTest } from '../../support/open-gateway'
import { startLossyProxy } from '../../support/lossy-proxy'
import { model, openGateway } from '../../support/open-gateway'
import { startPostgres } from '../../support/postgres'
import { until } from '../../support/until'

let gateway: GatewayUnderTest
afterEach(() => gateway.remove())

const body = JSON.stringify({ model, messages: [{ role: 'user', content: 'Hello' }], max_tokens: 10 })
/** Of one token of it. */
const PROMPT_NANO_USD = 150

test('kill -9 during fifty calls: after the restart each answered call is charged once, no hold is left, the ledger is exact', async () => {
  gateway = await openGateway({ REPLICA_TIMEOUT_MS: '1000' })
  await makePrepaid()
  const { key } = await gateway.createKey()
  const answered = new Map<string, string>()
  // Half of them are answered one after the other, so that some are being captured when the process dies; half are at their provider.
  const calls = Promise.allSettled(Array.from({ length: 50 }, async (_, index) => {
    const response = await gateway.post(key, JSON.stringify({ ...JSON.parse(body), model: index % 2 ? model : 'mock/slow' }), index % 2 ? {} : { 'x-billing-amount': '0.001' })
    await response.text()
    if (response.ok) answered.set(String(response.headers.get('x-request-id')), String(response.headers.get('x-loom-cost-usd')))
  }))
  for (let delay = 1; delay <= 25; delay++) {
    gateway.upstream.respondWith({ firstByteDelayMs: 500 + 20 * delay })
    gateway.upstream.respondWith({ fault: 'never-answers' })
  }
  await until(() => answered.size >= 8 && gateway.upstream.requests.length === 50, { intervalMs: 1, what: () => `eight answers; ${answered.size} came` })
  await gateway.loom.kill9()
  await calls

  await gateway.loom.start()
  await until(async () => (await gateway.api('GET', '/api/wallet')).heldNanoUsd === '0', { what: () => 'the holds to be given back' })
  expect(Number(/^gateway_expired_holds_total (\d+)$/m.exec(await (await fetch(`${gateway.loom.url}/metrics`)).text())?.[1])).toBeGreaterThan(0)
  const read = async (path: string) => rows(await (await fetch(`${gateway.loom.url}/v1/${path}`, { headers: { authorization: `Bearer ${key}` } })).json())
  const charges = (await read('transactions?limit=200')).filter(({ status }) => status === 'captured')
  // Each answer has its one charge, at the price its caller was told, and its trace.
  const captured = Object.fromEntries(charges.map(({ id, captured_usd: usd }) => [String(id), usd]))
  expect(captured).toMatchObject(Object.fromEntries(answered))
  expect(charges).toHaveLength(Object.keys(captured).length)
  expect((await read('traces?limit=200')).filter(row => row.status_code === 200).map(row => row.id).sort()).toEqual(Object.keys(captured).sort())
  await gateway.loom.stop()
  expect(await checkLedgerOf(gateway.loom)).toContain('The ledger is exact')
})

test('from the moment a graceful stop begins, calls on open connections are refused in their dialect, while one that runs finishes', async () => {
  gateway = await openGateway()
  const { key } = await gateway.createKey()
  const { projects } = ProjectPage.parse(await gateway.api('GET', '/api/projects'))
  const conversation = Conversation.parse(await gateway.api('POST', `/api/projects/${projects[0]?.id}/conversations`, { model }))
  gateway.upstream.respondWith({ text: 'Slow but sure', chunks: 20, chunkIntervalMs: 400 })
  // By hand, for a call behind another one on its connection.
  const socket = connect(gateway.loom.port, '127.0.0.1')
  const said = text(socket)
  const post = (content: string) => `POST /v1/chat/completions HTTP/1.1\r\nhost: loom\r\nauthorization: Bearer ${key}\r\ncontent-length: ${Buffer.byteLength(content)}\r\n\r\n${content}`
  socket.write(post(JSON.stringify({ ...JSON.parse(body), stream: true })))
  await gateway.upstream.received()
  const authorization = { authorization: `Bearer ${key}` }
  const session = { cookie: gateway.admin.cookie, origin: gateway.loom.url }
  const late = [
    { path: '/v1/chat/completions', headers: authorization, content: body, error: { error: { code: 'service_unavailable', type: 'service_unavailable', param: null } } },
    { path: '/v1/messages', headers: authorization, content: body, error: { type: 'error', error: { type: 'overloaded_error', code: 'service_unavailable' } } },
    { path: `/api/conversations/${conversation.id}/messages`, headers: session, content: JSON.stringify({ text: 'Hello' }), error: { error: { code: 'service_unavailable' } } },
    { path: '/api/models/try', headers: session, content: JSON.stringify({ model, prompt: 'Hello' }), error: { error: { code: 'service_unavailable' } } }
  ]
  // Their heads have arrived before it, their bodies come after.
  const opened = await Promise.all(late.map(async ({ path, headers, ...rest }) => {
    const call = request(`${gateway.loom.url}${path}`, { method: 'POST', headers: { ...headers, 'content-type': 'application/json', 'expect': '100-continue' } })
    call.flushHeaders()
    await once(call, 'continue')
    return { path, call, ...rest }
  }))

  const stopped = gateway.loom.stop()
  await until(() => refusesConnections(gateway.loom.port), { what: () => 'the stop to begin' })
  socket.write(post(body))
  for (const { path, call, content, error } of opened) {
    const answered = new Promise<IncomingMessage>((resolve, reject) => call.once('response', resolve).once('error', reject))
    call.end(content)
    const response = await answered
    expect(response.statusCode, path).toBe(503)
    expect(response.headers, path).toMatchObject({ 'retry-after': '5', 'connection': 'close' })
    expect(JSON.parse(await text(response)), path).toMatchObject(error)
  }
  const [first = '', ...second] = (await said).split('data: [DONE]')
  expect(first).not.toContain('error')
  expect(second.join('')).toMatch(/^\s+0\s+HTTP\/1\.1 503 [^]*"code":"service_unavailable"/)
  expect(await stopped).toBe(0)
  expect(gateway.upstream.requests).toHaveLength(1)
  expect(await checkLedgerOf(gateway.loom)).toContain('The ledger is exact')
})

test.runIf(testDatabaseKind === 'postgres')('kill -9 between the commit of charges and their answers: they stand once, the other holds are given back, the ledger is exact', async () => {
  const { url, drop } = await createPostgresDatabase()
  const proxy = await startLossyProxy(url)
  const direct = openPostgres({ url, poolSize: 2, statementTimeoutMs: 30_000 })
  try {
    gateway = await openGateway({ DATABASE_URL: proxy.url, REPLICA_TIMEOUT_MS: '1000' })
    await makePrepaid()
    const { key } = await gateway.createKey()
    // The first of a key's calls also writes down what its rules are, and waits for that.
    await (await gateway.post(key, body)).text()
    gateway.upstream.respondWith({ firstByteDelayMs: 3_000 }, { times: 5 })
    const calls = Promise.allSettled(Array.from({ length: 5 }, async () => (await gateway.post(key, body)).text()))
    await gateway.upstream.received(6)
    proxy.loseAnswers()
    const captured = () => direct.query(`select id, captured from transactions where status = 'captured' order by id`)
    await until(async () => (await captured()).length > 1, { what: () => 'a charge to be committed' })
    await gateway.loom.kill9()
    expect(new Set((await calls).map(({ status }) => status))).toEqual(new Set(['rejected']))
    const charges = await captured()

    proxy.cut()
    await gateway.loom.start()
    await until(async () => (await gateway.api('GET', '/api/wallet')).heldNanoUsd === '0', { what: () => 'the holds to be given back' })
    expect(await captured()).toEqual(charges)
    await gateway.loom.stop()
    expect(await checkLedgerOf({ env: { ...gateway.loom.env, DATABASE_URL: url } })).toContain('The ledger is exact')
  } finally {
    await direct.close()
    await proxy.stop()
    await gateway.loom.kill9()
    await drop()
  }
})

test('a graceful stop finishes running calls and takes no new ones', async () => {
  gateway = await openGateway()
  const { key } = await gateway.createKey()
  gateway.upstream.respondWith({ text: 'Slow but sure', chunks: 4, chunkIntervalMs: 200 })
  const running = gateway.post(key, JSON.stringify({ ...JSON.parse(body), stream: true }))
  await gateway.upstream.received()
  const stopped = gateway.loom.stop()
  const text = await (await running).text()
  expect(text).toContain('[DONE]')
  expect(await stopped).toBe(0)
  await expect(gateway.post(key, body)).rejects.toThrow()
  expect(await checkLedgerOf(gateway.loom)).toContain('The ledger is exact')
})

test('a graceful stop ends what takes longer than SHUTDOWN_TIMEOUT_MS with an error, and charges what was delivered', async () => {
  gateway = await openGateway({ SHUTDOWN_TIMEOUT_MS: '100' })
  const { key } = await gateway.createKey()
  gateway.upstream.respondWith({ chunks: 250, chunkIntervalMs: 100 })
  const response = await gateway.post(key, JSON.stringify({ ...JSON.parse(body), stream: true, max_tokens: 1000 }))
  let text = ''
  let stopped: Promise<number | null> | undefined
  for await (const piece of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    text += piece
    // Once something is delivered.
    if (/"content":"[^"]/.test(text)) stopped ??= gateway.loom.stop()
  }
  expect(await stopped).toBe(0)
  expect(text).toContain('"code":"service_unavailable"')
  expect(text).not.toContain('[DONE]')
  await gateway.loom.start()
  expect(await gateway.api('GET', `/api/traces/${response.headers.get('x-request-id')}`)).toMatchObject({ charge: { usageSource: 'partial' } })
  await gateway.loom.stop()
  expect(await checkLedgerOf(gateway.loom)).toContain('The ledger is exact')
})

test('callers gone before the first byte cost their prompt, and leave no hold', async () => {
  gateway = await openGateway()
  const { key } = await gateway.createKey()
  gateway.upstream.respondWith({ fault: 'never-answers' })
  const abort = new AbortController()
  const call = fetch(`${gateway.loom.url}/v1/chat/completions`, { method: 'POST', headers: { authorization: `Bearer ${key}` }, body, signal: abort.signal })
  const request = await gateway.upstream.received()
  abort.abort()
  await expect(call).rejects.toThrow()
  await until(() => request.callerGone, { what: () => 'the upstream to lose its caller' })
  await until(async () => (await gateway.api('GET', '/api/wallet')).heldNanoUsd === '0', { what: () => 'the hold to be settled' })
  const { items: [summary] } = TracePage.parse(await gateway.api('GET', '/api/traces'))
  const trace = TraceDetail.parse(await gateway.api('GET', `/api/traces/${summary?.id}`))
  expect(trace).toMatchObject({ errorType: 'caller_gone', outputTokens: 0, charge: { status: 'captured', usageSource: 'partial' } })
  expect(trace.inputTokens).toBeGreaterThan(0)
  expect(trace.charge?.capturedNanoUsd).toBe(String(trace.inputTokens * PROMPT_NANO_USD))
  await gateway.loom.stop()
  expect(await checkLedgerOf(gateway.loom)).toContain('The ledger is exact')
})

test.runIf(testDatabaseKind === 'postgres')('a database that goes away during a call and comes back: clear errors, an exact ledger, no restart', async () => {
  const database = await startPostgres()
  if (!database) throw new Error('PostgreSQL is not installed')
  try {
    gateway = await openGateway({ DATABASE_URL: await database.createDatabase('loom') })
    const { key } = await gateway.createKey()
    expect((await gateway.post(key, body)).status).toBe(200)
    gateway.upstream.respondWith({ firstByteDelayMs: 500 })
    const during = gateway.post(key, body)
    await gateway.upstream.received(2)
    await database.crash()
    const refused = await gateway.post(key, body)
    expect(refused.status).toBe(503)
    expect(await refused.json()).toMatchObject({ error: { code: 'service_unavailable' } })
    await database.start()
    expect((await during).status).toBe(200)
    await until(async () => (await gateway.post(key, body)).status === 200, { what: () => 'calls to pass again' })
    await gateway.loom.stop()
    expect(await checkLedgerOf(gateway.loom)).toContain('The ledger is exact')
  } finally {
    await database.stop()
  }
})

test.runIf(testDatabaseKind === 'embedded')('an embedded database whose thread dies again and again during calls: answers or clear errors, each answer charged once, an exact ledger, no restart', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'loom-dies-'))
  const sign = join(folder, 'die')
  // Node loads it into each thread; the server's only one is the database.
  const die = `import { existsSync, rmSync } from 'node:fs'; import { isMainThread } from 'node:worker_threads'
    if (!isMainThread) setInterval(() => { if (existsSync(${JSON.stringify(sign)})) { rmSync(${JSON.stringify(sign)}); process.exit(1) } }, 5)`
  gateway = await openGateway({ REPLICA_TIMEOUT_MS: '1000', NODE_OPTIONS: `--import data:text/javascript,${encodeURIComponent(die)}` })
  await makePrepaid()
  const { key } = await gateway.createKey()
  const answers: Response[] = []
  for (let death = 1; death <= 4; death++) {
    gateway.upstream.reset()
    for (let delay = 0; delay < 10; delay++) gateway.upstream.respondWith({ firstByteDelayMs: 100 + 20 * delay })
    const calls = Array.from({ length: 10 }, () => gateway.post(key, body))
    await gateway.upstream.received(10)
    await writeFile(sign, '')
    answers.push(...await Promise.all(calls))
    await until(() => !existsSync(sign), { what: () => 'the thread to die' })
    await until(async () => (await gateway.post(key, body, { 'x-billing-amount': '0' })).status === 200, { what: () => 'calls to pass again' })
  }
  const failed = answers.filter(({ status }) => status !== 200)
  for (const answer of failed) expect({ status: answer.status, body: await answer.json() }).toMatchObject({ status: 503, body: { error: { code: 'service_unavailable' } } })
  const answered = answers.filter(({ status }) => status === 200)
  expect(answered.length).toBeGreaterThan(0)
  await until(async () => (await gateway.api('GET', '/api/wallet')).heldNanoUsd === '0', { what: () => 'every hold to be settled' })
  const list = rows(await (await fetch(`${gateway.loom.url}/v1/transactions?limit=200`, { headers: { authorization: `Bearer ${key}` } })).json())
  const charges = list.filter(({ status, captured_usd: usd }) => status === 'captured' && Number(usd) > 0).map(({ id, captured_usd: usd }) => `${id} ${usd}`)
  expect(charges.sort()).toEqual(answered.map(({ headers }) => `${headers.get('x-request-id')} ${headers.get('x-loom-cost-usd')}`).sort())
  await gateway.loom.stop()
  expect(await checkLedgerOf(gateway.loom)).toContain('The ledger is exact')
  await rm(folder, { recursive: true })
})

test.runIf(testDatabaseKind === 'postgres')('streams under which the database goes away end whole or with the error event of their dialect, and each one that is whole is charged once', async () => {
  const database = await startPostgres()
  if (!database) throw new Error('PostgreSQL is not installed')
  try {
    gateway = await openGateway({ DATABASE_URL: await database.createDatabase('loom') })
    const { key } = await gateway.createKey()
    await (await gateway.post(key, body)).text()
    gateway.upstream.reset()
    const messages = [{ role: 'user', content: 'Hello' }]
    const formats = [
      { path: 'chat/completions', body: { messages }, whole: /data: \[DONE\]\n\n$/, failed: /data: \{"error":[^\n]+\}\n\n$/ },
      { path: 'messages', body: { messages, max_tokens: 10 }, whole: /event: message_stop\ndata: [^\n]+\n\n$/, failed: /event: error\ndata: [^\n]+\n\n$/ },
      { path: 'responses', body: { input: 'Hello' }, whole: /"type":"response\.completed"[^\n]+\n\n$/, failed: /event: (?:error|response\.failed)\ndata: [^\n]+\n\n$/ }
    ]
    // Some end while it is away, some when it is back.
    gateway.upstream.respondWith({ chunks: 20, chunkIntervalMs: 20 }, { times: 6 })
    gateway.upstream.respondWith({ chunks: 60, chunkIntervalMs: 100 }, { times: 3 })
    const ask = async ({ path, body, whole, failed }: typeof formats[number]) => {
      const response = await fetch(`${gateway.loom.url}/v1/${path}`, { method: 'POST', headers: { authorization: `Bearer ${key}` }, body: JSON.stringify({ ...body, model, stream: true }) })
      expect(response.status).toBe(200)
      return { id: String(response.headers.get('x-request-id')), whole, failed, text: response.text() }
    }
    const under = [...formats, ...formats, ...formats]
    const streams = await Promise.all(under.map(format => ask(format)))
    await database.crash()
    await until(() => gateway.upstream.requests.filter(request => request.answered).length >= 6, { what: () => 'the provider to have answered' })
    await database.start()

    const isWhole = new Map<string, boolean>()
    for (const { id, whole, failed, text } of streams) {
      const said = await text
      isWhole.set(id, whole.test(said))
      if (!whole.test(said)) expect(said).toMatch(failed)
    }
    await until(async () => (await gateway.post(key, body)).status === 200, { what: () => 'calls to pass again' })
    await until(async () => (await gateway.api('GET', '/api/wallet')).heldNanoUsd === '0', { what: () => 'every hold to be settled' })
    const read = async (path: string) => rows(await (await fetch(`${gateway.loom.url}/v1/${path}`, { headers: { authorization: `Bearer ${key}` } })).json())
    const charges = (await read('transactions?limit=200')).filter(({ status }) => status === 'captured').map(({ id }) => String(id))
    for (const [id, whole] of isWhole) if (whole) expect(charges.filter(charge => charge === id), id).toHaveLength(1)
    expect(new Set(charges).size).toBe(charges.length)
    expect([...isWhole.values()]).toContain(true)
    await gateway.loom.stop()
    expect(await checkLedgerOf(gateway.loom)).toContain('The ledger is exact')
  } finally {
    await database.stop()
  }
})

function refusesConnections(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy()
      resolve(false)
    }).on('error', () => resolve(true))
  })
}

/** With what its calls need, and not much more. */
async function makePrepaid(): Promise<void> {
  await gateway.api('PATCH', `/api/platform/orgs/${gateway.orgId}/wallet`, { mode: 'prepaid' })
  await gateway.api('POST', `/api/platform/orgs/${gateway.orgId}/funds`, { amountUsd: '0.1', refId: 'funds' })
}

function rows(list: { data?: Record<string, unknown>[] }): Record<string, unknown>[] {
  return list.data ?? []
}
