import { once } from 'node:events'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { GatewayUnderTest } from '../../support/open-gateway'
import { model, openGateway } from '../../support/open-gateway'
import { until } from '../../support/until'

let gateway: GatewayUnderTest
let key: string

beforeAll(async () => {
  gateway = await openGateway({ CLIENT_HEADERS_TIMEOUT_MS: '1000', CLIENT_REQUEST_TIMEOUT_MS: '3000' })
  key = (await gateway.createKey()).key
})
afterAll(async () => {
  await gateway.loom.stop()
  expect(gateway.loom.logs()).not.toMatch(/uncaughtException|unhandledRejection/)
  await gateway.remove()
})

const body = JSON.stringify({ model, messages: [{ role: 'user', content: 'Hello' }] })
const start = 'POST /v1/chat/completions HTTP/1.1\r\nhost: loom\r\n'
const headers = (length: number) => `authorization: Bearer ${key}\r\ncontent-type: application/json\r\ncontent-length: ${length}\r\n\r\n`

/** A connection and everything it has received. */
async function dial(): Promise<{ socket: Socket, received: () => string, closed: () => boolean }> {
  const socket = connect(gateway.loom.port, '127.0.0.1')
  await once(socket, 'connect')
  let received = ''
  let closed = false
  socket.on('error', () => {}).on('close', () => {
    closed = true
  }).setEncoding('utf8').on('data', (text: string) => received += text)
  return { socket, received: () => received, closed: () => closed }
}

/** Writes `text` a byte at a time, slowly, until it has been answered. */
async function trickle(socket: Socket, text: string, closed: () => boolean): Promise<void> {
  for (const character of text) {
    if (closed()) return
    socket.write(character)
    // The slowness is what is tested.
    await sleep(50)
  }
}

function errorIn(answer: string): unknown {
  return JSON.parse(answer.slice(answer.indexOf('\r\n\r\n') + 4))
}

const anyError = { type: 'error', error: { message: expect.any(String), type: 'invalid_request_error', code: 'invalid_request_error' } }

test('headers that trickle in are cut off with 408, and nobody else waits for them', async () => {
  const slow = await Promise.all(Array.from({ length: 50 }, dial))
  slow.forEach(({ socket }) => socket.write(start))
  const trickling = Promise.all(slow.slice(0, 5).map(({ socket, closed }) => trickle(socket, `x-slow: ${'x'.repeat(10_000)}`, closed)))
  for (let calls = 0; calls < 3; calls++) expect((await gateway.post(key, body)).status).toBe(200)
  await until(() => slow.every(({ closed }) => closed()), { what: () => 'every slow connection to be closed' })
  await trickling
  for (const { received } of slow) {
    expect(received()).toMatch(/^HTTP\/1\.1 408 /)
    expect(errorIn(received())).toMatchObject(anyError)
  }
})

test('a body that trickles in is cut off with 408, and leaves no hold', async () => {
  const { socket, received, closed } = await dial()
  socket.write(start + headers(10_000))
  await trickle(socket, body.padEnd(10_000), closed)
  expect(received()).toMatch(/^HTTP\/1\.1 408 /)
  expect(errorIn(received())).toMatchObject(anyError)
  expect((await gateway.api('GET', '/api/wallet')).heldNanoUsd).toBe('0')
})

test('a stranger\'s body is not waited for', async () => {
  const { socket, received } = await dial()
  socket.write(`${start}content-type: application/json\r\ncontent-length: 10000\r\n\r\n{`)
  await until(() => received().startsWith('HTTP/1.1 401'), { what: () => `a refusal; got ${received()}` })
  socket.destroy()
})

test.each([
  ['one header of 20 KB', `x-long: ${'x'.repeat(20_000)}\r\n`],
  ['five thousand headers', Array.from({ length: 5_000 }, (_, index) => `x-${index}: y\r\n`).join('')]
])('%s are refused with 431', async (_, many) => {
  const { socket, received, closed } = await dial()
  socket.write(start + many + headers(body.length) + body)
  await until(closed, { what: () => 'the connection to be closed' })
  expect(received()).toMatch(/^HTTP\/1\.1 431 /)
  expect(errorIn(received())).toMatchObject(anyError)
})

test('three hundred short headers are just a call', async () => {
  const { socket, received } = await dial()
  socket.write(start + Array.from({ length: 300 }, (_, index) => `x${index}: y\r\n`).join('') + headers(body.length) + body)
  await until(() => received().startsWith('HTTP/1.1 200'), { what: () => `an answer; got ${received()}` })
  socket.destroy()
})

test('chunk extensions without end are refused with 413', async () => {
  const { socket, received, closed } = await dial()
  socket.write(`${start}authorization: Bearer ${key}\r\ntransfer-encoding: chunked\r\n\r\n2;${'x'.repeat(40_000)}`)
  await until(closed, { what: () => 'the connection to be closed' })
  expect(received()).toMatch(/^HTTP\/1\.1 413 /)
  expect(errorIn(received())).toMatchObject(anyError)
})

test('what is no HTTP gets 400 and is cut off', async () => {
  const { socket, received, closed } = await dial()
  socket.write('\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n')
  await until(closed, { what: () => 'the connection to be closed' })
  expect(received()).toMatch(/^HTTP\/1\.1 400 /)
  expect(errorIn(received())).toMatchObject(anyError)
})

test('HTTP/1.0 gets a whole stream, ended by closing and not in chunks', async () => {
  const { socket, received, closed } = await dial()
  const streaming = JSON.stringify({ model, messages: [{ role: 'user', content: 'Hello' }], stream: true })
  socket.write(`POST /v1/chat/completions HTTP/1.0\r\n${headers(streaming.length)}${streaming}`)
  await until(closed, { what: () => 'the connection to be closed' })
  expect(received()).toMatch(/^HTTP\/1\.1 200 /)
  expect(received()).not.toMatch(/transfer-encoding/i)
  expect(received()).toMatch(/data: \[DONE\]\n\n$/)
})

test('nonsense behind a request never ends up inside its answer', async () => {
  const streaming = JSON.stringify({ model, messages: [{ role: 'user', content: 'Hello' }], stream: true })
  gateway.upstream.respondWith({ chunks: 200, chunkIntervalMs: 25 })
  const { socket, received, closed } = await dial()
  socket.write(start + headers(streaming.length) + streaming)
  await until(() => received().includes('data: '), { what: () => 'the stream to begin' })
  socket.write('\x00\x01nonsense\r\n\r\n')
  await until(closed, { what: () => 'the connection to be closed' })
  expect(received().match(/HTTP\/1\.1/g)).toHaveLength(1)
})

test('an idle connection outlives a minute, as long as nginx keeps its own', async () => {
  const { headers } = await fetch(`${gateway.loom.url}/health`)
  expect(Number(/timeout=(\d+)/.exec(headers.get('keep-alive') ?? '')?.[1])).toBeGreaterThan(60)
})
