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
