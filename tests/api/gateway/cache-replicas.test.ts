import { randomUUID } from 'node:crypto'
import { Redis } from 'ioredis'
import postgres from 'postgres'
import { afterEach, describe, expect, test } from 'vitest'
import { openPacked, sealPacked } from '../../../server/cache/seal-answer'
import { openKeyring } from '../../../server/crypto/keyring'
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
const ENCRYPTION_MASTER_KEY = '0123456789abcdef'.repeat(4)

interface Fleet { gateway: GatewayUnderTest, key: string, replicas: [LoomServer, LoomServer], databaseUrl: string, redisUrl: string }

/** Two replicas on one PostgreSQL and one Redis. */
async function openFleet(): Promise<Fleet> {
  const redis = await startRedis()
  cleanUp.push(redis.stop)
  const { url, drop } = await createPostgresDatabase()
  cleanUp.push(drop)
  const env = { DATABASE_URL: url, REDIS_URL: redis.url, ENCRYPTION_MASTER_KEY, UPSTREAM_RETRIES: '0' }
  const gateway = await openGateway(env)
  cleanUp.push(gateway.remove)
  const second = await startLoom({ env })
  cleanUp.push(second.remove)
  return { gateway, key: (await gateway.createKey()).key, replicas: [gateway.loom, second], databaseUrl: url, redisUrl: redis.url }
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

  test('under a data key that was deleted are found by no replica any more, at once; those under the new one by both', async () => {
    const { gateway, key, replicas } = await openFleet()
    const asked = question()
    gateway.upstream.respondWith({ text: 'a secret to be forgotten' }, { times: 1 })
    await ask(replicas[0], key, asked)
    for (const loom of replicas) expect((await hit(loom, key, asked)).text).toContain('a secret to be forgotten')
    const { slug } = await gateway.api('GET', '/api/orgs/current')
    await gateway.api('DELETE', '/api/orgs/current/encryption-key', { confirm: slug })
    gateway.upstream.reset()
    gateway.upstream.respondWith({ text: 'a new answer' }, { times: MANY })
    for (const loom of replicas) expect((await ask(loom, key, asked)).text).toContain('a new answer')
    for (const loom of replicas) expect((await hit(loom, key, asked)).text).toContain('a new answer')
    for (const loom of replicas) expect(loom.logs()).not.toContain('a secret to be forgotten')
  })

  test('that are no answers to a version that is stricter are asked for anew, counted and logged', async () => {
    const { gateway, key, replicas: [loom], databaseUrl, redisUrl } = await openFleet()
    const asked = question()
    await hit(loom, key, asked)
    gateway.upstream.reset()
    await rewriteCached({ databaseUrl, redisUrl, orgId: gateway.orgId }, '{"object":"chat.completion","choices":[]}')
    gateway.upstream.respondWith({ text: 'a new answer' })
    expect(await ask(loom, key, asked)).toMatchObject({ status: 200, cache: 'miss', text: expect.stringContaining('a new answer') })
    expect(gateway.upstream.requests).toHaveLength(1)
    expect(await (await fetch(`${loom.url}/metrics`)).text()).toMatch(/^loom_failures_total\{what="cache"\} 1$/m)
    await until(() => loom.logs().includes('A cached answer is none any more'), { what: () => 'the log to tell' })
    expect((await hit(loom, key, asked)).text).toContain('a new answer')
  })
})

/** Puts another body in place of every answer of an org, as if the provider had given that. */
async function rewriteCached({ databaseUrl, redisUrl, orgId }: { databaseUrl: string, redisUrl: string, orgId: string }, body: string): Promise<void> {
  const redis = new Redis(redisUrl)
  const sql = postgres(databaseUrl, { max: 1 })
  try {
    const [org] = await sql<{ salt: Buffer }[]>`select encryption_salt as salt from orgs where id = ${orgId}`
    if (!org) throw new Error('There is no such org')
    const orgKey = openKeyring({ ENCRYPTION_MASTER_KEY, LOOM_DATA_DIR: '/nonexistent' }).forOrg(orgId, org.salt)
    for (const name of await redis.keys(`loom:cache:{${orgId}}:1:*`)) {
      const context = `cache:${orgId}:${name.split(':').at(-1)}`
      const stored = await redis.getBuffer(name)
      if (!stored) continue
      const [generation, sealed] = [stored.subarray(0, 8), stored.subarray(8)]
      const { head } = openPacked(orgKey, context, sealed)
      if (typeof head !== 'object' || head === null) throw new Error('The answer has no head')
      await redis.set(name, Buffer.concat([generation, sealPacked(orgKey, context, head, Buffer.from(body))]), 'EX', 3_600)
    }
  } finally {
    redis.disconnect()
    await sql.end()
  }
}
