import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { createServer, request as sendRequest } from 'node:http'
import type { ClientRequest, IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { LoomError } from '../../../server/errors'
import { Upload } from '../../../server/gateway/upload'
import { until } from '../../support/until'

const MAX_BYTES = 4 * 1024 * 1024
const arrived: { request: IncomingMessage, respond: () => void }[] = []
const server = createServer((request, response) => void arrived.push({ request, respond: () => response.end('done') }))
/** In place of the system's temporary folder, where others upload, too. */
const folder = mkdtempSync(join(tmpdir(), 'loom-uploads-'))
let port = 0

beforeAll(async () => {
  vi.stubEnv('TMPDIR', folder)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  port = (server.address() as AddressInfo).port
})
afterAll(() => {
  vi.unstubAllEnvs()
  rmSync(folder, { recursive: true })
  server.closeAllConnections()
  server.close()
})

const field = (boundary: string, name: string, value: Buffer | string, rest = '') => Buffer.concat([Buffer.from(`--${boundary}\r\ncontent-disposition: form-data; name="${name}"${rest}\r\n\r\n`), Buffer.from(value), Buffer.from('\r\n')])
const noise = (bytes: number) => Buffer.from(Array.from({ length: bytes }, (_, index) => (index * 31 + (index >> 8)) % 251))

/** A form on its way: what is written of it comes when the test says so. */
async function open({ boundary = 'b', length }: { boundary?: string, length?: number } = {}): Promise<{ upload: Upload, client: ClientRequest, respond: () => void }> {
  const client = sendRequest({ port, host: '127.0.0.1', method: 'POST', headers: { 'content-type': `multipart/form-data; boundary=${boundary}`, ...length !== undefined && { 'content-length': length } } })
  client.on('error', () => {})
  client.flushHeaders()
  const { request, respond } = await until(() => arrived.shift())
  return { upload: new Upload(request, length, MAX_BYTES, () => new LoomError('body_too_large', 'too large')), client, respond }
}

async function readAll(upload: Upload, edits: Parameters<Upload['read']>[0] = []): Promise<Buffer> {
  const pieces: Buffer[] = []
  for await (const piece of upload.read(edits)) pieces.push(piece)
  return Buffer.concat(pieces)
}

test('is read from its beginning while the rest is still coming, and again, on disk or in memory', async () => {
  for (const bytes of [5_000, 1_500_000]) {
    const form = Buffer.concat([field('b', 'model', 'old'), field('b', 'file', noise(bytes), '; filename="a"'), Buffer.from('--b--\r\n')])
    const { upload, client, respond } = await open({ length: form.length })
    client.write(form.subarray(0, form.length - 2_000))
    await upload.until(({ parts }) => parts.length === 2)
    expect(upload.complete).toBe(false)
    expect(upload.bytes).toBe(form.length)
    const [model] = upload.form.parts
    const edits = [{ start: model?.start ?? 0, end: model?.end ?? 0, text: 'a-new-name' }]
    const pieces = upload.read(edits)
    const first = await pieces.next()
    expect(Buffer.from(first.value ?? '').length).toBeGreaterThan(0)
    client.end(form.subarray(form.length - 2_000))
    const rest: Buffer[] = [Buffer.from(first.value ?? '')]
    for await (const piece of pieces) rest.push(piece)
    const expected = form.toString('latin1').replace('\r\nold\r\n', '\r\na-new-name\r\n')
    expect(Buffer.concat(rest).toString('latin1') === expected).toBe(true)
    expect((await readAll(upload)).equals(form)).toBe(true)
    expect(readdirSync(folder)).toEqual([])
    respond()
    await upload.close()
  }
})

test('is all here once it is complete, though its end comes while its last bytes are being written', async () => {
  const form = Buffer.concat([field('b', 'file', noise(400_000), '; filename="a"'), Buffer.from('--b--\r\n')])
  for (let round = 0; round < 30; round++) {
    const { upload, client, respond } = await open()
    client.end(form)
    await upload.whole()
    expect(upload.bytes).toBe(form.length)
    expect((await readAll(upload)).equals(form)).toBe(true)
    respond()
    await upload.close()
  }
})

test('gives out nothing of its end before it is known to be a form', async () => {
  const { upload, client, respond } = await open({ length: 10_200 })
  const part = field('b', 'file', noise(10_000), '; filename="a"')
  client.end(Buffer.concat([part, Buffer.alloc(10_200 - part.length, 'x')]))
  await expect(readAll(upload)).rejects.toMatchObject({ code: 'invalid_request' })
  respond()
  await upload.close()
})

test('is the same whatever its boundary, and another with another file', async () => {
  const digest = async (boundary: string, file: string) => {
    const { upload, client, respond } = await open({ boundary })
    client.end(Buffer.concat([field(boundary, 'model', 'm'), field(boundary, 'file', file, '; filename="a"'), Buffer.from(`--${boundary}--`)]))
    const found = (await upload.digest()).toString('hex')
    respond()
    await upload.close()
    return found
  }
  expect(await digest('aaa', 'one')).toBe(await digest('bbbbb', 'one'))
  expect(await digest('aaa', 'one')).not.toBe(await digest('aaa', 'two'))
})

describe('fails for whoever waits for it', () => {
  test('when it is too large', async () => {
    const { upload, client, respond } = await open()
    client.write(field('b', 'file', noise(1_000), '; filename="a"').subarray(0, 900))
    client.write(Buffer.alloc(MAX_BYTES))
    await expect(upload.whole()).rejects.toMatchObject({ code: 'body_too_large' })
    client.end()
    respond()
    await upload.close()
  })

  test('when its sender leaves', async () => {
    const { upload, client } = await open()
    client.write(field('b', 'file', noise(1_000), '; filename="a"').subarray(0, 900))
    await upload.until(({ parts }) => parts.length === 1)
    const whole = upload.whole()
    const reading = readAll(upload)
    client.destroy()
    await expect(whole).rejects.toMatchObject({ code: 'caller_gone' })
    await expect(reading).rejects.toMatchObject({ code: 'caller_gone' })
    await upload.close()
  })

  test('when it is closed', async () => {
    const { upload, client, respond } = await open()
    client.write(field('b', 'model', 'm'))
    const reading = readAll(upload)
    await upload.until(({ parts }) => parts.length === 1)
    await upload.close()
    await expect(reading).rejects.toMatchObject({ code: 'caller_gone' })
    respond()
    client.destroy()
  })
})
