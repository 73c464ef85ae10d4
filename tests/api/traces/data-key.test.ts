import { randomBytes, randomUUID } from 'node:crypto'
import postgres from 'postgres'
import { afterEach, expect, test } from 'vitest'
import { createPostgresDatabase, testDatabaseKind } from '../../support/database'
import type { LoomServer } from '../../support/loom-server'
import type { GatewayUnderTest } from '../../support/open-gateway'
import { model, openGateway } from '../../support/open-gateway'
import { startLoom } from '../../support/start-loom'
import { until } from '../../support/until'

const cleanUp: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const step of cleanUp.splice(0).reverse()) await step()
})

const prompt = 'a prompt to be forgotten'

async function call(loom: LoomServer, key: string): Promise<string> {
  const response = await fetch(`${loom.url}/v1/chat/completions`, { method: 'POST', headers: { authorization: `Bearer ${key}` }, body: JSON.stringify({ model, messages: [{ role: 'user', content: prompt }] }) })
  expect(response.status).toBe(200)
  await response.text()
  return String(response.headers.get('x-request-id'))
}

async function ask(loom: LoomServer, key: string, headers: Record<string, string>) {
  const response = await fetch(`${loom.url}/v1/chat/completions`, { method: 'POST', headers: { authorization: `Bearer ${key}`, ...headers }, body: JSON.stringify({ model, messages: [{ role: 'user', content: prompt }] }) })
  return { status: response.status, id: String(response.headers.get('x-request-id')), cache: response.headers.get('x-loom-cache'), text: await response.text() }
}

async function readTrace(loom: LoomServer, key: string, id: string) {
  const response = await fetch(`${loom.url}/v1/traces/${id}?include=bodies`, { headers: { authorization: `Bearer ${key}` } })
  return { status: response.status, body: await response.json() }
}

async function open(): Promise<{ gateway: GatewayUnderTest, replicas: LoomServer[], slug: string }> {
  if (testDatabaseKind === 'embedded') {
    const gateway = await openGateway()
    cleanUp.push(gateway.remove)
    return { gateway, replicas: [gateway.loom], slug: String((await gateway.api('GET', '/api/orgs/current')).slug) }
  }
  const { url, drop } = await createPostgresDatabase()
  cleanUp.push(drop)
  const env = { DATABASE_URL: url, ENCRYPTION_MASTER_KEY: '0123456789abcdef'.repeat(4) }
  const gateway = await openGateway(env)
  cleanUp.push(gateway.remove)
  const second = await startLoom({ env })
  cleanUp.push(second.remove)
  return { gateway, replicas: [gateway.loom, second], slug: String((await gateway.api('GET', '/api/orgs/current')).slug) }
}

test('deleting an org\'s data key makes its bodies unreadable on every replica, and the org goes on with a new one', async () => {
  const { gateway, replicas, slug } = await open()
  const { key } = await gateway.createKey()
  const old: string[] = []
  for (const replica of replicas) old.push(await call(replica, key))
  for (const replica of replicas) {
    for (const id of old) expect((await readTrace(replica, key, id)).body).toMatchObject({ bodies_erased: false, request_body: expect.stringContaining(prompt) })
  }

  await expect(gateway.api('DELETE', '/api/orgs/current/encryption-key', { confirm: 'something else' })).rejects.toThrow('answered 400')
  expect(await gateway.api('DELETE', '/api/orgs/current/encryption-key', { confirm: slug })).toEqual({ keyVersion: 2, unreadableConnections: [] })

  for (const replica of replicas) {
    for (const id of old) expect(await readTrace(replica, key, id), 'at once').toMatchObject({ status: 200, body: { bodies_erased: true, request_body: null, response_body: null, model } })
  }
  // The connection's secret was carried over, and new bodies can be read, wherever they were sealed.
  for (const replica of replicas) {
    await until(async () => {
      const { body } = await readTrace(replica, key, await call(replica, key))
      return body.bodies_erased === false && body.request_body?.includes(prompt)
    }, { timeoutMs: 5_000, what: () => 'a new body to be readable' })
  }
  const fresh = await call(replicas[0]!, key)
  for (const replica of replicas) expect((await readTrace(replica, key, fresh)).body).toMatchObject({ bodies_erased: false, request_body: expect.stringContaining(prompt) })
  expect(gateway.upstream.requests.at(-1)?.headers.authorization).toMatch(/^Bearer sk-upstream/)
})

test('an idempotent answer whose data key was deleted is not given again, from the moment on that it is', async () => {
  const { gateway, replicas, slug } = await open()
  const { key } = await gateway.createKey()
  gateway.upstream.respondWith({ text: 'a secret to be forgotten' })
  const headers = { 'idempotency-key': randomUUID() }
  const first = await ask(replicas[0]!, key, headers)
  for (const replica of replicas) expect((await ask(replica, key, headers)).text).toBe(first.text)
  await gateway.api('DELETE', '/api/orgs/current/encryption-key', { confirm: slug })
  for (const replica of replicas) {
    const again = await ask(replica, key, headers)
    expect(again).toMatchObject({ status: 409, text: expect.not.stringContaining('a secret to be forgotten') })
    expect(JSON.parse(again.text)).toMatchObject({ error: { code: 'idempotency_conflict', details: { request_id: first.id } } })
  }
  expect(gateway.upstream.requests).toHaveLength(1)
})

test.runIf(testDatabaseKind === 'postgres')('a replica that the news of a deleted data key never reaches gives out no answer sealed with it, neither a cached nor an idempotent one', async () => {
  const { url, drop } = await createPostgresDatabase()
  cleanUp.push(drop)
  const gateway = await openGateway({ DATABASE_URL: url })
  cleanUp.push(gateway.remove)
  const { loom, upstream } = gateway
  const { key } = await gateway.createKey()
  upstream.respondWith({ text: 'a secret to be forgotten' }, { times: 200 })
  const [cached, once] = [{ 'x-loom-cache': 'on' }, { 'idempotency-key': randomUUID() }]
  const first = await ask(loom, key, once)
  await until(async () => (await ask(loom, key, cached)).cache === 'hit', { what: () => 'the answer to be cached' })
  // As `deleteDataKey` does it, but without a word.
  const sql = postgres(url, { max: 1 })
  await sql`update orgs set encryption_salt = ${randomBytes(32)}, encryption_key_version = encryption_key_version + 1 where id = ${gateway.orgId}`
  await sql.end()
  upstream.reset()
  upstream.respondWith({ text: 'a new answer' }, { times: 2 })
  for (let again = 0; again < 2; again++) {
    expect(await ask(loom, key, cached)).toMatchObject({ status: 200, cache: 'miss', text: expect.stringContaining('a new answer') })
    expect(await ask(loom, key, once)).toMatchObject({ status: 409, text: expect.stringContaining(first.id) })
  }
})
