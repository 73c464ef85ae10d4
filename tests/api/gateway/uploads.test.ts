import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { request } from 'undici'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { checkLedgerOf } from '../../support/check-ledger'
import type { GatewayUnderTest } from '../../support/open-gateway'
import { openGateway } from '../../support/open-gateway'
import { until } from '../../support/until'
import { watchMemory } from '../../support/watch-memory'

const MEGABYTE = 1024 * 1024

/** A provider that counts and hashes what it is sent, and keeps its end alone. */
interface Sent { bytes: number, whole: boolean, gone: boolean, hash: string, announced: number, end: string }

let gateway: GatewayUnderTest
let key: string
let provider: Server
let refuseNext = 0
const sent: Sent[] = []

beforeAll(async () => {
  provider = createServer((incoming, response) => {
    const hash = createHash('sha256')
    const record: Sent = { bytes: 0, whole: false, gone: false, hash: '', announced: Number(incoming.headers['content-length']), end: '' }
    sent.push(record)
    incoming.on('data', (chunk: Buffer) => {
      record.bytes += chunk.length
      record.end = (record.end + chunk.toString('latin1')).slice(-200)
      hash.update(chunk)
    })
    incoming.on('close', () => record.gone = !record.whole)
    incoming.on('end', () => {
      record.whole = true
      record.hash = hash.digest('hex')
      const refused = refuseNext > 0
      if (refused) refuseNext--
      const answer = incoming.url?.endsWith('/images/edits') ? { data: [{ b64_json: 'AAAA' }] } : { text: 'heard', usage: { type: 'duration', seconds: 7 } }
      response.writeHead(refused ? 500 : 200, { 'content-type': 'application/json' }).end(JSON.stringify(refused ? { error: { message: 'not now' } } : answer))
    })
  })
  provider.listen(0, '127.0.0.1')
  await once(provider, 'listening')
  gateway = await openGateway({ MAX_UPLOAD_BYTES: String(200 * MEGABYTE), UPSTREAM_RETRIES: '1' })
  key = (await gateway.createKey()).key
  await gateway.api('POST', '/api/connections', { kind: 'openai', name: 'listener', baseUrl: `http://127.0.0.1:${(provider.address() as AddressInfo).port}/v1`, secret: 'sk-listener' })
})
beforeEach(() => {
  sent.length = 0
  refuseNext = 0
})
afterAll(async () => {
  await gateway.loom.stop()
  expect(gateway.loom.logs()).not.toMatch(/uncaughtException|unhandledRejection|MaxListenersExceeded|internal_error/)
  expect(await checkLedgerOf(gateway.loom)).toContain('The ledger is exact')
  await gateway.remove()
  provider.closeAllConnections()
  provider.close()
})

const head = (name: string, rest = '') => `--b\r\ncontent-disposition: form-data; name="${name}"${rest}\r\n\r\n`
const model = `${head('model')}listener/whisper-1\r\n`
const fileHead = head('file', '; filename="long.mp3"')
const END = '\r\n--b--\r\n'
const chunk = Buffer.alloc(MEGABYTE, 'sound')

async function* pieces(before: string, megabytes: number, after: string, middle?: () => Promise<unknown>): AsyncGenerator<Buffer> {
  yield Buffer.from(before)
  for (let index = 0; index < megabytes; index++) {
    if (middle && index === Math.floor(megabytes / 2)) await middle()
    yield chunk
  }
  yield Buffer.from(after)
}

/** A form of `megabytes` of sound, piece by piece; `middle` holds it up half way. */
const form = (before: string, megabytes: number, after: string, middle?: () => Promise<unknown>) => Readable.from(pieces(before, megabytes, after, middle), { objectMode: false })

async function transcribe(body: Readable, length: number | undefined, headers: Record<string, string> = {}, path = 'audio/transcriptions') {
  const response = await request(`${gateway.loom.url}/v1/${path}`, {
    method: 'POST', body, headers: { 'authorization': `Bearer ${key}`, 'content-type': 'multipart/form-data; boundary=b', ...length !== undefined && { 'content-length': String(length) }, ...headers }
  })
  return { status: response.statusCode, cost: response.headers['x-loom-cost-usd'], body: await response.body.text() }
}

const lengthOf = (before: string, megabytes: number, after: string) => Buffer.byteLength(before) + megabytes * MEGABYTE + Buffer.byteLength(after)

test('a file goes to the provider while it comes, under the model\'s name there, and its caller is charged by the second', async () => {
  const before = model + fileHead
  const length = lengthOf(before, 8, END)
  // The second half is not sent before the provider has some of the first.
  const { status, cost } = await transcribe(form(before, 8, END, () => until(() => (sent[0]?.bytes ?? 0) > MEGABYTE)), length)
  expect({ status, cost }).toEqual({ status: 200, cost: '0.0007' })
  expect(sent).toMatchObject([{ whole: true, bytes: length - 'listener/'.length, announced: length - 'listener/'.length }])
})

test.each([
  ['audio/transcriptions', 'a file', model + fileHead],
  ['audio/transcriptions', 'a voice to know a speaker by', `${model}${fileHead}sound\r\n${head('known_speaker_references[]')}`],
  ['audio/translations', 'a file', model + fileHead],
  ['images/edits', 'a file', `${head('model')}listener/gpt-image-1\r\n${head('prompt')}A cat\r\n${head('image[]', '; filename="large.png"')}`]
])('/v1/%s lets %s through that is far larger than the memory it may take, and leaves none taken', async (path, _, before) => {
  const megabytes = 190
  await transcribe(form(before, 2, END), lengthOf(before, 2, END), {}, path)
  const memoryTaken = await watchMemory(gateway.loom)
  expect((await transcribe(form(before, megabytes, END), lengthOf(before, megabytes, END), {}, path)).status).toBe(200)
  expect(await memoryTaken() / MEGABYTE).toBeLessThan(96)
  expect(sent.at(-1)).toMatchObject({ whole: true })
})

test('the model may stand after the file, and the length may be unknown', async () => {
  const after = `\r\n${head('model')}listener/whisper-1${END}`
  expect((await transcribe(form(fileHead, 5, after), lengthOf(fileHead, 5, after))).status).toBe(200)
  expect((await transcribe(form(model + fileHead, 5, END), undefined)).status).toBe(200)
  expect(sent.map(({ whole }) => whole)).toEqual([true, true])
})

test.each([['short', 0], ['long', 2]])('a model that heeds no "stream" answers a %s form whole, wherever that says so, and is charged once', async (_, megabytes) => {
  const before = `${model}${fileHead}sound`
  const after = `\r\n${head('stream')}true${END}`
  // The provider has begun to read the long one before its last field is sent.
  const { status, cost, body } = await transcribe(form(before, megabytes, after, () => until(() => (sent[0]?.bytes ?? 0) > MEGABYTE / 2)), lengthOf(before, megabytes, after))
  expect({ status, cost, body: JSON.parse(body) }).toMatchObject({ status: 200, cost: '0.0007', body: { text: 'heard' } })
  expect(sent).toHaveLength(1)
})

test.each([5, 70])('plain text is asked for as JSON, even where a long form says so last, in a boundary of %i characters', async (length) => {
  const boundary = 'b'.repeat(length)
  const bounded = (text: string) => text.replaceAll('--b', `--${boundary}`)
  const [before, after] = [bounded(`${model}${fileHead}sound`), bounded(`\r\n${head('response_format')}text${END}`)]
  const { status, cost, body } = await transcribe(form(before, 2, after, () => until(() => (sent[0]?.bytes ?? 0) > MEGABYTE / 2)), lengthOf(before, 2, after), { 'content-type': `multipart/form-data; boundary=${boundary}` })
  expect({ status, cost, body }).toEqual({ status: 200, cost: '0.0007', body: 'heard\n' })
  expect(sent).toMatchObject([{ whole: true, bytes: lengthOf(before, 2, after) - 'listener/'.length, end: expect.stringContaining('name="response_format"\r\n\r\njson\r\n') }])
})

test('another attempt sends all of it again', async () => {
  refuseNext = 1
  const before = model + fileHead
  expect((await transcribe(form(before, 6, END), lengthOf(before, 6, END))).status).toBe(200)
  expect(sent).toHaveLength(2)
  expect(sent[0]?.hash).toBe(sent[1]?.hash)
})

test('what turns out to be no form is refused, and never reaches a provider whole', async () => {
  for (const after of ['', `\r\n${head('model')}twice${END}`, `\r\n${head('models[]')}late${END}`, `\r\n${head('fallbacks[]')}dear${END}`]) {
    const before = model + fileHead
    expect(await transcribe(form(before, 4, after), lengthOf(before, 4, after))).toMatchObject({ status: 400 })
  }
  await until(() => sent.every(({ gone }) => gone), { what: () => 'the provider to be hung up on' })
  expect(sent.map(({ whole }) => whole)).not.toContain(true)
})

test('a caller who leaves while sending pays nothing, and the provider is let go', async () => {
  const balance = async () => (await gateway.api('GET', '/api/wallet')).balanceNanoUsd
  const before = await balance()
  const leave = new AbortController()
  const start = model + fileHead
  const call = request(`${gateway.loom.url}/v1/audio/transcriptions`, {
    method: 'POST', signal: leave.signal, headers: { 'authorization': `Bearer ${key}`, 'content-type': 'multipart/form-data; boundary=b', 'content-length': String(lengthOf(start, 8, END)) },
    body: form(start, 8, END, async () => {
      await until(() => (sent[0]?.bytes ?? 0) > MEGABYTE)
      leave.abort()
    })
  })
  await expect(call).rejects.toThrow()
  await until(() => sent[0]?.gone, { what: () => 'the provider to be let go' })
  await until(async () => (await gateway.api('GET', '/api/wallet')).heldNanoUsd === '0')
  expect(await balance()).toBe(before)
})

test('an Idempotency-Key brings the same answer for the same file under another boundary, and a conflict for another file', async () => {
  const headers = { 'idempotency-key': 'upload-1' }
  const before = model + fileHead
  expect((await transcribe(form(before, 3, END), lengthOf(before, 3, END), headers)).status).toBe(200)
  const renamed = (text: string) => text.replaceAll('--b', '--other')
  const again = { ...headers, 'content-type': 'multipart/form-data; boundary=other' }
  expect((await transcribe(form(renamed(before), 3, renamed(END)), lengthOf(renamed(before), 3, renamed(END)), again)).status).toBe(200)
  expect(sent).toHaveLength(1)
  expect((await transcribe(form(before, 4, END), lengthOf(before, 4, END), headers)).status).toBe(409)
})
