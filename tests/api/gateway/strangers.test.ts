import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { connect } from 'node:net'
import { once } from 'node:events'
import { z } from 'zod'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { checkLedgerOf } from '../../support/check-ledger'
import type { GatewayUnderTest } from '../../support/open-gateway'
import { model, openGateway, upstreamSecret } from '../../support/open-gateway'
import { signUp } from '../../support/set-up-loom'
import { until } from '../../support/until'

let gateway: GatewayUnderTest
let key: string

beforeAll(async () => {
  gateway = await openGateway({ UPSTREAM_RETRIES: '2', SIGN_UP_OPEN: 'true', NEW_ORG_WALLET: 'unlimited' })
  key = (await gateway.createKey()).key
})
beforeEach(() => gateway.upstream.reset())
afterAll(async () => {
  const secrets = [key, upstreamSecret, 'a prompt nobody may read', 'correct horse battery']
  await gateway.loom.stop()
  for (const secret of secrets) expect(gateway.loom.logs()).not.toContain(secret)
  expect(gateway.loom.logs()).not.toMatch(/uncaughtException|unhandledRejection|MaxListenersExceeded/)
  expect(await checkLedgerOf(gateway.loom)).toContain('The ledger is exact')
  await gateway.remove()
})

const messages = [{ role: 'user', content: 'a prompt nobody may read' }]
const body = JSON.stringify({ model, messages, max_tokens: 100 })
const streaming = JSON.stringify({ model, messages, max_tokens: 100, stream: true })
const balance = async () => BigInt(String((await gateway.api('GET', '/api/wallet')).balanceNanoUsd))
const nothingHeld = () => until(async () => (await gateway.api('GET', '/api/wallet')).heldNanoUsd === '0', { what: () => 'every hold to be settled' })

test('a body nested too deeply is its caller\'s fault, and opens no circuit for the others', async () => {
  const deep = `{"model":"${model}","messages":[{"role":"user","content":"Hi"}],"unknown":${'['.repeat(50_000)}${']'.repeat(50_000)}}`
  for (let calls = 0; calls < 6; calls++) expect((await gateway.post(key, deep)).status).toBe(400)
  expect((await gateway.post(key, body)).status).toBe(200)
  const dryRun = await fetch(`${gateway.loom.url}/v1/policy/check`, { method: 'POST', headers: { 'authorization': `Bearer ${key}`, 'content-type': 'application/json' }, body: `{"endpoint":"/v1/chat/completions","body":${deep}}` })
  expect(dryRun.status).toBe(400)
})

test('an amount that overflows the ledger fails alone: another org\'s calls in the same batch pass', async () => {
  await gateway.api('POST', '/api/connections', { kind: 'openai', name: 'shared', baseUrl: gateway.upstream.baseUrl, secret: upstreamSecret, platform: true })
  const { cookie } = await signUp(gateway.loom, { name: 'Mallory', email: 'mallory@example.com', password: 'correct horse battery' })
  const created = await fetch(`${gateway.loom.url}/api/keys`, { method: 'POST', headers: { cookie, 'origin': gateway.loom.url, 'content-type': 'application/json' }, body: JSON.stringify({ name: 'greedy', scopes: ['inference', 'billing'] }) })
  const { key: greedy } = z.object({ key: z.string() }).parse(await created.json())
  const passed: number[] = []
  const refused: number[] = []
  await Promise.all(Array.from({ length: 60 }, async (_, index) => {
    const huge = index % 2 === 0
    const response = await gateway.post(huge ? greedy : key, body, huge ? { 'x-billing-amount': '999999999' } : {})
    await response.text()
    ;(huge ? refused : passed).push(response.status)
  }))
  expect(passed.filter(status => status !== 200)).toEqual([])
  expect(refused.filter(status => status !== 200).length).toBeGreaterThan(0)
  await nothingHeld()
})

test('a failure that is all of a stream is answered with its status and charged nothing', async () => {
  const before = await balance()
  gateway.upstream.respondWith({ fault: 'garbage' })
  expect((await gateway.post(key, streaming)).status).toBe(502)
  expect(await balance()).toBe(before)
})

test('a caller who leaves between two attempts, when no provider was working, is charged nothing', async () => {
  const before = await balance()
  gateway.upstream.respondWith({ status: 429, headers: { 'retry-after': '4' } }, { times: 3 })
  const abort = new AbortController()
  const call = fetch(`${gateway.loom.url}/v1/chat/completions`, { method: 'POST', headers: { authorization: `Bearer ${key}` }, body, signal: abort.signal })
  const first = await gateway.upstream.received()
  await until(() => first.answered)
  abort.abort()
  await expect(call).rejects.toThrow()
  await nothingHeld()
  expect(await balance()).toBe(before)
})

describe('a key bound to an address', () => {
  test.each(['/v1/traces', '/v1/usage', '/v1/models'])('reads nothing of %s from another', async (path) => {
    const { key: bound } = await gateway.createKey({ limits: { allowedIps: ['192.0.2.1'] } })
    const response = await fetch(`${gateway.loom.url}${path}`, { headers: { 'authorization': `Bearer ${bound}`, 'x-forwarded-for': '192.0.2.1' } })
    expect(response.status).toBe(403)
  })
})

test('funds whose reference a call has taken are refused, never silently dropped', async () => {
  expect((await gateway.post(key, body, { 'x-billing-ref-id': 'invoice-2026-11' })).status).toBe(200)
  await expect(gateway.api('POST', `/api/platform/orgs/${gateway.orgId}/funds`, { amountUsd: '5', refId: 'invoice-2026-11' })).rejects.toThrow('409')
})

test('a stream that breaks right behind its first bytes ends at once, with an error', async () => {
  // A chunk that is sound, then a chunk size that is none, in one packet.
  const event = `data: ${JSON.stringify({ id: 'c', choices: [{ index: 0, delta: { content: 'half' }, finish_reason: null }] })}\n\n`
  const server = createServer((request, response) => {
    request.resume()
    const { socket } = response
    socket?.write('HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n')
    setTimeout(() => socket?.write(`${Buffer.byteLength(event).toString(16)}\r\n${event}\r\nnonsense\r\n`), 50)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  await gateway.api('POST', '/api/connections', { kind: 'openai-compatible', name: 'broken', baseUrl: `http://127.0.0.1:${port}/v1`, secret: null })
  const response = await until(async () => {
    const answer = await gateway.post(key, JSON.stringify({ model: 'broken/m', messages, stream: true }))
    return answer.status !== 404 && answer
  }, { what: () => 'the new connection to be known' })
  expect(await response.text()).toContain('upstream_error')
  server.closeAllConnections()
  server.close()
})

describe('a caller who leaves', () => {
  const raw = async (text: string) => {
    const socket = connect(gateway.loom.port, '127.0.0.1')
    await once(socket, 'connect')
    socket.on('error', () => {}).write(text)
    return socket
  }
  const head = (length: number) => `POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${key}\r\ncontent-type: application/json\r\ncontent-length: ${length}\r\n\r\n`

  test('at any moment leaves no hold and no broken process', async () => {
    gateway.upstream.respondWith({ chunks: 6, chunkIntervalMs: 5, firstByteDelayMs: 5 }, { times: 200 })
    const leaveAfterMs = Array.from({ length: 60 }, (_, index) => index)
    await Promise.all(leaveAfterMs.map(async (delayMs) => {
      const text = delayMs % 2 ? streaming : body
      const socket = await raw(head(Buffer.byteLength(text)) + text.slice(0, delayMs < 5 ? 20 : undefined))
      // The moments differ by design; nothing is asserted about which is which.
      await new Promise(resolve => setTimeout(resolve, delayMs))
      if (delayMs % 3) socket.resetAndDestroy()
      else socket.destroy()
    }))
    await nothingHeld()
    expect((await fetch(`${gateway.loom.url}/health`)).status).toBe(200)
  })

  test('and does not read, holds up nobody, and costs memory once', async () => {
    gateway.upstream.respondWith({ chunks: 3_000, chunkBytes: 4_096 })
    const socket = await raw(head(Buffer.byteLength(streaming)) + streaming)
    socket.pause()
    await gateway.upstream.received()
    for (let calls = 0; calls < 5; calls++) expect((await gateway.post(key, body)).status).toBe(200)
    let received = 0
    socket.on('data', (bytes: Buffer) => received += bytes.length).resume()
    await until(() => received > 3_000 * 4_096, { what: () => `the whole stream; ${received} bytes came` })
    socket.destroy()
    await nothingHeld()
  })

  test('sent two bodies in one packet: each is answered by itself', async () => {
    const text = head(Buffer.byteLength(body)) + body
    const socket = await raw(text + text)
    let answer = ''
    socket.on('data', (bytes: Buffer) => answer += bytes.toString())
    await until(() => answer.match(/HTTP\/1\.1 200 OK/g)?.length === 2, { what: () => `two answers; got ${answer}` })
    const ids = [...answer.matchAll(/x-request-id: (\S+)/g)].map(match => match[1])
    expect(new Set(ids).size).toBe(2)
    socket.destroy()
  })

  test('and says both how long the body is and that it is chunked is refused', async () => {
    const socket = await raw(head(Buffer.byteLength(body)).replace('\r\n\r\n', '\r\ntransfer-encoding: chunked\r\n\r\n'))
    const [answer] = await once(socket, 'data')
    expect(String(answer)).toMatch(/^HTTP\/1\.1 400/)
  })
})

test('no model\'s name gets into the headers of an answer but as text', async () => {
  for (const name of ['mock/ü', 'mock/a b', 'mock/a%0d%0ax: y', `mock/${'x'.repeat(240)}`]) {
    const response = await gateway.post(key, JSON.stringify({ model: name, messages }))
    expect(response.status).toBe(200)
    expect(response.headers.get('x')).toBeNull()
    expect(response.headers.get('x-loom-model')).toBe(encodeURI(name.slice('mock/'.length)))
  }
})
