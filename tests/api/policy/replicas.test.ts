import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { ensureBuilt } from '../../../scripts/ensure-build.mjs'
import { withLock } from '../../../scripts/take-lock.mjs'
import { SETTLING_PATIENCE_MS } from '../../../server/gateway/hold-budget'
import { toUsdDecimal } from '../../../shared/money'
import type { KeyLimits } from '../../../shared/policy'
import { checkLedgerOf } from '../../support/check-ledger'
import { createPostgresDatabase, testDatabaseKind } from '../../support/database'
import type { LoomServer } from '../../support/loom-server'
import type { GatewayUnderTest } from '../../support/open-gateway'
import { model, openGateway } from '../../support/open-gateway'
import { hasRedis, startRedis } from '../../support/redis'
import { startLoom } from '../../support/start-loom'
import { until } from '../../support/until'

// In a hook, which has the time: each test starts its own servers, and the first of a run has to be built.
beforeAll(() => withLock('build', ensureBuilt))

const cleanUp: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const step of cleanUp.splice(0).reverse()) await step()
})

interface Fleet { gateway: GatewayUnderTest, replicas: LoomServer[] }

/** Two replicas on one PostgreSQL, and one Redis where there is one. */
async function openFleet(redisUrl?: string): Promise<Fleet> {
  const { url, drop } = await createPostgresDatabase()
  cleanUp.push(drop)
  const env = { DATABASE_URL: url, ENCRYPTION_MASTER_KEY: '0123456789abcdef'.repeat(4), ...redisUrl && { REDIS_URL: redisUrl } }
  const gateway = await openGateway(env)
  cleanUp.push(gateway.remove)
  const second = await startLoom({ env })
  cleanUp.push(second.remove)
  return { gateway, replicas: [gateway.loom, second] }
}

const Answer = z.object({ error: z.object({ code: z.string(), details: z.looseObject({ rule: z.string().optional() }).optional() }).optional() })

async function call(loom: LoomServer | undefined, key: string, headers: Record<string, string> = {}, rest: object = {}) {
  const response = await fetch(`${loom?.url}/v1/chat/completions`, { method: 'POST', headers: { authorization: `Bearer ${key}`, ...headers }, body: JSON.stringify({ model, messages: [{ role: 'user', content: 'Hi' }], ...rest }) })
  return { status: response.status, headers: response.headers, error: Answer.parse(await response.json()).error }
}

/** A call that is not refused for what others hold, as it is when they take longer than its patience, on a busy machine: then it is made again. */
async function callPatiently(...args: Parameters<typeof call>) {
  for (;;) {
    const startedAt = performance.now()
    const answer = await call(...args)
    if (answer.status !== 402 || performance.now() - startedAt < SETTLING_PATIENCE_MS) return answer
  }
}

const metric = async (loom: LoomServer, name: string) => Number(new RegExp(`^${name}(?:\\{[^}]*\\})? ([\\d.e+-]+)$`, 'm').exec(await (await fetch(`${loom.url}/metrics`)).text())?.[1])

describe.runIf(testDatabaseKind === 'postgres')('two replicas on one PostgreSQL', () => {
  test('money that another has leased and does not use is there, for a dry run as for a call', async () => {
    const { gateway, replicas: [one, other] } = await openFleet()
    await gateway.api('POST', `/api/platform/orgs/${gateway.orgId}/funds`, { amountUsd: '1', refId: 'funds' })
    await gateway.api('PATCH', `/api/platform/orgs/${gateway.orgId}/wallet`, { mode: 'prepaid' })
    const { key } = await gateway.createKey()
    const wallet = () => gateway.api('GET', '/api/wallet')
    /** What another replica decides of a call for all there is, part of which is leased. */
    const checkForEverything = async (of: string) => {
      // Between calls nothing is held but what is leased.
      const { balanceNanoUsd } = await until(async () => {
        await Promise.all(Array.from({ length: 8 }, () => call(one, key)))
        const found = await wallet()
        return found.heldNanoUsd === '0' ? undefined : found
      }, { what: () => 'a lease' })
      const everything = toUsdDecimal(BigInt(String(balanceNanoUsd)))
      const headers = { 'authorization': `Bearer ${of}`, 'content-type': 'application/json', 'x-billing-amount': everything }
      const response = await fetch(`${other?.url}/v1/policy/check`, { method: 'POST', headers, body: JSON.stringify({ endpoint: '/v1/chat/completions', body: { model, messages: [{ role: 'user', content: 'Hi' }] } }) })
      return { checked: await response.json(), found: { rule: 'wallet', scope: 'org', outcome: 'allow', remaining: everything } }
    }
    const { checked, found } = await checkForEverything(key)
    expect(checked).toMatchObject({ allowed: true, decisions: expect.arrayContaining([found]) })
    // Where a budget denies, the wallet is not named beside it.
    const { key: bounded } = await gateway.createKey({ limits: { budgets: { total: '0.000000001' } } })
    const denied = await checkForEverything(bounded)
    expect(denied.checked).toMatchObject({ allowed: false, decisions: [expect.anything(), expect.objectContaining({ rule: 'budget_total', scope: 'key', outcome: 'deny' }), denied.found] })
  })

  test('50 keys racing for shared budgets spend them to the last nano-USD and never beyond', async () => {
    const { gateway, replicas } = await openFleet()
    const price = 1_000_003n
    // One budget of a project for all, and one of each key; neither is a multiple of a call's price.
    const [projectLimit, keyLimit] = [300n * price + 7n, 10n * price - 1n]
    const project = await gateway.api('POST', '/api/projects', { name: 'Shared' })
    await gateway.api('PATCH', `/api/projects/${String(project.id)}`, { policy: { budgets: { month: usd(projectLimit) } } })
    const keys = await Promise.all(Array.from({ length: 50 }, () => gateway.createKey({ projectId: String(project.id), limits: { budgets: { day: usd(keyLimit) } } })))
    gateway.upstream.respondWith({ firstByteDelayMs: 5 }, { times: 1_000 })

    const work = keys.map(async ({ key }, index) => {
      const answers = []
      for (let n = 0; n < 10; n++) answers.push(await call(replicas[(index + n) % 2], key, { 'x-billing-amount': usd(price) }))
      return answers
    })
    const answers = (await Promise.all(work)).flat()
    expect(answers.filter(({ status }) => status !== 200 && status !== 402)).toEqual([])
    // Each key reaches for nine or ten of its own, so that the project's 300 are what all race for.
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(300)
    const refused = answers.filter(({ status }) => status === 402)
    expect(new Set(refused.map(({ error }) => error?.code))).toEqual(new Set(['budget_exceeded']))
    for (const { error, headers } of refused) {
      expect(headers.get('x-should-retry')).toBe('false')
      expect(error?.details).toMatchObject({ rule: expect.stringMatching(/^budget_(day|month)$/), remaining_usd: expect.any(String), resets_at: expect.any(String) })
    }
    for (const loom of replicas) await loom.stop()
    expect(await checkLedgerOf(gateway.loom)).toContain('The ledger is exact')
  })

  test.each(['a budget of their project', 'a prepaid wallet'])('50 keys racing on estimates spend %s to its last twentieth, and never beyond', async (shared) => {
    const { gateway, replicas } = await openFleet()
    // A call costs 61,500 nano-USD of the at most 258,000 or so that are held for it.
    const usage = { inputTokens: 10, outputTokens: 100 }
    const cost = 61_500n
    const limit = 30n * 258_000n + 11n
    const project = await gateway.api('POST', '/api/projects', { name: 'Shared' })
    if (shared === 'a prepaid wallet') {
      await gateway.api('PATCH', `/api/platform/orgs/${gateway.orgId}/wallet`, { mode: 'prepaid' })
      await gateway.api('POST', `/api/platform/orgs/${gateway.orgId}/funds`, { amountUsd: usd(limit), refId: 'race' })
    } else {
      await gateway.api('PATCH', `/api/projects/${String(project.id)}`, { policy: { budgets: { month: usd(limit) } } })
    }
    const keys = await Promise.all(Array.from({ length: 50 }, () => gateway.createKey({ projectId: String(project.id) })))
    gateway.upstream.respondWith({ firstByteDelayMs: 5, usage }, { times: 1_000 })
    const answers = (await Promise.all(keys.map(async ({ key }, index) => {
      const own = []
      for (let n = 0; n < 5; n++) own.push(await callPatiently(replicas[(index + n) % 2], key, {}, { max_tokens: 400 }))
      return own
    }))).flat()
    expect(answers.filter(({ status }) => status !== 200 && status !== 402)).toEqual([])
    const spent = BigInt(answers.filter(({ status }) => status === 200).length) * cost
    expect(spent).toBeLessThanOrEqual(limit)
    expect(spent).toBeGreaterThanOrEqual(limit * 95n / 100n)
    for (const loom of replicas) await loom.stop()
    expect(await checkLedgerOf(gateway.loom)).toContain('The ledger is exact')
  })

  test('two calls racing for the last cent of a budget: exactly one gets it', async () => {
    const { gateway, replicas } = await openFleet()
    for (let round = 0; round < 5; round++) {
      const { key } = await gateway.createKey({ limits: { budgets: { total: '0.01' } } })
      const answers = await Promise.all(replicas.map(loom => call(loom, key, { 'x-billing-amount': '0.01' })))
      expect(answers.map(({ status }) => status).sort()).toEqual([200, 402])
      expect(answers.find(({ status }) => status === 402)?.error?.details).toMatchObject({ rule: 'budget_total', scope: 'key', remaining_usd: '0', limit_usd: '0.01', required_usd: '0.01' })
    }
  })
})

describe.runIf(testDatabaseKind === 'postgres' && hasRedis)('two replicas that share Redis', () => {
  const burst = (replicas: LoomServer[], key: string, calls: number) => Promise.all(Array.from({ length: calls }, (_, index) => call(replicas[index % 2], key)))

  test('allow together what one would alone; Redis killed, frozen and back midway fails no call', async () => {
    const redis = await startRedis()
    cleanUp.push(redis.stop)
    const { gateway, replicas } = await openFleet(redis.url)
    const keyWith = async (limits: KeyLimits) => (await gateway.createKey({ limits })).key
    const granted = (answers: { status: number }[]) => answers.filter(({ status }) => status === 200).length
    const countUnshared = async () => (await Promise.all(replicas.map(loom => metric(loom, 'gateway_unshared_limit_checks_total')))).join()
    /** What a burst is granted that Redis has counted: where it answers a call late, as on a busy machine, a replica goes on alone, and another key has a try. */
    const grantedByRedis = (requestsPerMinute: number, calls: number) => until(async () => {
      const before = await countUnshared()
      const answers = await burst(replicas, await keyWith({ requestsPerMinute }), calls)
      return await countUnshared() === before && granted(answers)
    }, { timeoutMs: 60_000, what: () => 'Redis to count a burst' })

    expect(await grantedByRedis(15, 60)).toBe(15)
    gateway.upstream.respondWith({ firstByteDelayMs: 500 }, { times: 7 })
    const running = await keyWith({ maxConcurrent: 7 })
    expect(granted(await burst(replicas, running, 30))).toBeGreaterThanOrEqual(7)
    // All have ended, so all places are free again: that of a call which Redis counted too late, once its lease has run out.
    await until(async () => granted(await burst(replicas, running, 7)) === 7, { timeoutMs: 60_000, what: () => 'all places' })

    await redis.crash()
    const alone = await burst(replicas, await keyWith({ requestsPerMinute: 10 }), 40)
    expect(granted(alone)).toBe(20)
    expect(alone.filter(({ status }) => status !== 200 && status !== 429)).toEqual([])
    for (const loom of replicas) {
      expect(await metric(loom, 'loom_redis_up')).toBe(0)
      expect(await metric(loom, 'gateway_unshared_limit_checks_total')).toBeGreaterThan(0)
      expect(loom.logs()).toContain('Limits are counted by this replica alone')
    }

    await redis.start()
    expect(await grantedByRedis(10, 40)).toBe(10)

    redis.freeze()
    const frozen = await burst(replicas, await keyWith({ requestsPerMinute: 100 }), 20)
    redis.thaw()
    expect(granted(frozen)).toBe(20)
    expect(await grantedByRedis(10, 40)).toBe(10)
  })
})

/** Nano-USD as an exact decimal in USD. */
function usd(amount: bigint): string {
  return `${amount / 1_000_000_000n}.${(amount % 1_000_000_000n).toString().padStart(9, '0')}`
}
