import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { FileStore } from '../../server/files/file-store'
import { openFileStore } from '../../server/files/file-store'
import { readConfig } from '../../server/config'

async function* pieces(...texts: string[]) {
  for (const text of texts) yield Buffer.from(text)
}

async function* breaking() {
  yield Buffer.from('half')
  throw new Error('The sender left')
}

/** What a bucket does, as far as the store asks for it. */
const objects = new Map<string, Buffer>()
const unsigned: string[] = []
const bucket = createServer(async (request, response) => {
  const { method, url = '', headers: { authorization = '' } } = request
  if (!authorization.startsWith('AWS4-HMAC-SHA256 Credential=who/')) unsigned.push(url)
  const body = await buffer(request)
  if (method === 'PUT') objects.set(url, body)
  if (method === 'DELETE') objects.delete(url)
  const found = objects.get(url)
  response.writeHead(method === 'GET' && !found ? 404 : 200).end(method === 'GET' ? found : undefined)
})
let folder: string
const stores: Record<string, FileStore> = {}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'loom-files-'))
  bucket.listen(0, '127.0.0.1')
  await once(bucket, 'listening')
  const address = bucket.address()
  const port = typeof address === 'object' ? address?.port : undefined
  stores.folder = openFileStore(readConfig({ LOOM_DATA_DIR: folder }))
  stores.bucket = openFileStore(readConfig({ FILES_S3_ENDPOINT: `http://127.0.0.1:${port}`, FILES_S3_BUCKET: 'loom', FILES_S3_ACCESS_KEY_ID: 'who', FILES_S3_SECRET_ACCESS_KEY: 'secret' }))
})
afterAll(async () => {
  bucket.close()
  await rm(folder, { recursive: true })
})

describe.each(['folder', 'bucket'])('in a %s', (kind) => {
  const store = () => {
    const found = stores[kind]
    if (!found) throw new Error(`There is no store in a ${kind}`)
    return found
  }

  test('what was written is read, until it is removed', async () => {
    await store().write('org/file', pieces('one ', 'two'))
    expect((await store().read('org/file')).toString()).toBe('one two')
    await store().remove('org/file')
    await expect(store().read('org/file')).rejects.toThrow()
    await store().remove('org/file')
  })

  test('nothing is left of what could not be read to its end', async () => {
    await expect(store().write('org/broken', breaking())).rejects.toThrow('The sender left')
    await expect(store().read('org/broken')).rejects.toThrow()
    expect(existsSync(join(folder, 'files/org/broken'))).toBe(false)
  })
})

test('every request to a bucket is signed', () => {
  expect(unsigned).toEqual([])
})

test('half of a bucket\'s settings stops the start, naming what is missing', () => {
  expect(() => readConfig({ FILES_S3_BUCKET: 'loom' })).toThrow('FILES_S3_ENDPOINT: is needed')
})
