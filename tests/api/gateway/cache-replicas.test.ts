import { randomUUID } from 'node:crypto'
import { afterEach, describe, expect, test } from 'vitest'
import { checkLedgerOf } from '../../support/check-ledger'
import { createPostgresDatabase, testDatabaseKind } from '../../support/database'
import type { LoomServer } from '../../support/loom-server'
import type { GatewayUnderTest } from '../../support/open-gateway'
import { model, openGateway } from '../../support/open-gateway'
import { hasRedis, startRedis } from '../../support/redis'
import { startLoom } from '../../support/start-loom'
import { until } from '../../support/until'

const cleanUp: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const step of cleanUp.splice(0).reverse()) await step()
})

/** An answer is asked for until it is cached: each of these is the same. */
const MANY = 200

interface Fleet { gateway: GatewayUnderTest, key: string, replicas: [LoomServer, LoomServer] }

/** Two replicas on one PostgreSQL and one Redis. */
async function openFleet(): Promise<Fleet> {
  const redis = await startRedis()
  cleanUp.push(redis.stop)
  const { url, drop } = await createPostgresDatabase()
  cleanUp.push(drop)
  const env = { DATABASE_URL: url, REDIS_URL: redis.url, ENCRYPTION_MASTER_KEY: '0123456789abcdef'.repeat(4), UPSTREAM_RETRIES: '0' }
  const gateway = await openGateway(env)
  cleanUp.push(gateway.remove)
  const second = await startLoom({ env })
  cleanUp.push(second.remove)
  return { gateway, key: (await gateway.createKey()).key, replicas: [gateway.loom, second] }
}

const question = () => ({ model, messages: [{ role: 'user', content: randomUUID() }] })

async function ask(loom: LoomServer, key: string, body: object, cache = 'on') {
  const response = await fetch(`${loom.url}/v1/chat/completions`, { method: 'POST', headers: { 'authorization': `Bearer ${key}`, 'x-loom-cache': cache }, body: JSON.stringify(body) })
  return { status: response.status, cache: response.headers.get('x-loom-cache'), cost: response.headers.get('x-loom-cost-usd'), text: await response.text() }
}

const hit = (loom: LoomServer, key: string, body: object) => until(async () => {
  const answer = await ask(loom, key, body)
  return answer.cache === 'hit' && answer
}, { what: () => 'the answer to be cached' })

describe.runIf(testDatabaseKind === 'postgres' && hasRedis)('cached answers on two replicas that share Redis', () => {
  test('are found by the other replica, newer ones too, free, and gone from both once purged', async () => {
    const { gateway, key, replicas: [first, second] } = await openFleet()
    const asked = question()
    gateway.upstream.respondWith({ text: 'Said once' }, { times: MANY })
    const original = await ask(first, key, asked)
    const found = await hit(second, key, asked)
    expect(found).toMatchObject({ text: original.text, cost: '0' })
    gateway.upstream.reset()
    gateway.upstream.respondWith({ text: 'Said anew' })
    expect(await ask(second, key, asked, 'refresh')).toMatchObject({ cache: 'miss' })
    await until(async () => (await hit(first, key, asked)).text.includes('Said anew'), { what: () => 'the newer answer' })
    for (const loom of [second, first]) {
      await hit(loom, key, asked)
      await gateway.api('DELETE', '/api/cache')
      expect(await ask(loom, key, asked)).toMatchObject({ status: 200, cache: 'miss' })
    }
    for (const loom of [first, second]) await loom.stop()
    expect(await checkLedgerOf(gateway.loom)).toContain('The ledger is exact')
  })

  test('under a data key that was deleted are found by no replica any more; those under the new one by both', async () => {
    const { gateway, key, replicas } = await openFleet()
    const asked = question()
    gateway.upstream.respondWith({ text: 'a secret to be forgotten' }, { times: 1 })
    await ask(replicas[0], key, asked)
    for (const loom of replicas) expect((await hit(loom, key, asked)).text).toContain('a secret to be forgotten')
    const { slug } = await gateway.api('GET', '/api/orgs/current')
    await gateway.api('DELETE', '/api/orgs/current/encryption-key', { confirm: slug })
    gateway.upstream.reset()
    gateway.upstream.respondWith({ text: 'a new answer' }, { times: MANY })
    // Each replica hears of the new key within a second; none opens the old answer with it.
    for (const loom of replicas) {
      await until(async () => {
        const answer = await ask(loom, key, asked)
        return answer.text.includes('a new answer')
      }, { what: () => 'the old answer to be forgotten' })
    }
    for (const loom of replicas) expect((await hit(loom, key, asked)).text).toContain('a new answer')
    for (const loom of replicas) expect(loom.logs()).not.toContain('a secret to be forgotten')
  })
})
