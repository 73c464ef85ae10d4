import { randomUUID } from 'node:crypto'
import postgres from 'postgres'
import { afterEach, expect, test } from 'vitest'
import { createPostgresDatabase, testDatabaseKind } from '../../support/database'
import { checkLedgerOf } from '../../support/check-ledger'
import type { LoomServer } from '../../support/loom-server'
import type { GatewayUnderTest } from '../../support/open-gateway'
import { model, openGateway } from '../../support/open-gateway'
import { startLoom } from '../../support/start-loom'
import { until } from '../../support/until'

const cleanUp: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const step of cleanUp.splice(0).reverse()) await step()
})

const MASTER_KEY = '0123456789abcdef'.repeat(4)

test.runIf(testDatabaseKind === 'postgres')('two replicas racing on one wallet, one killed midway: none is overdrawn, each answer is charged once, no hold remains', async () => {
  const { url, drop } = await createPostgresDatabase()
  cleanUp.push(drop)
  const env = { DATABASE_URL: url, REPLICA_TIMEOUT_MS: '1500', ENCRYPTION_MASTER_KEY: MASTER_KEY }
  const gateway: GatewayUnderTest = await openGateway(env)
  cleanUp.push(gateway.remove)
  const doomed: LoomServer = await startLoom({ env })
  cleanUp.push(doomed.remove)
  await gateway.api('PATCH', `/api/platform/orgs/${gateway.orgId}/wallet`, { mode: 'prepaid' })
  // Enough for two of three calls.
  await gateway.api('POST', `/api/platform/orgs/${gateway.orgId}/funds`, { amountUsd: '0.08', refId: 'funds' })
  const { key } = await gateway.createKey()

  const answered: string[] = []
  const refused: number[] = []
  const call = async (loom: LoomServer, index: number) => {
    const response = await fetch(`${loom.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'authorization': `Bearer ${key}`, 'x-billing-amount': '0.001' },
      body: JSON.stringify({ model, messages: [{ role: 'user', content: 'Hi' }], stream: index % 2 === 0 })
    })
    const text = await response.text()
    if (response.status !== 200) return void refused.push(response.status)
    if (index % 2 === 1 || text.includes('[DONE]')) answered.push(String(response.headers.get('x-request-id')))
  }
  gateway.upstream.respondWith({ chunks: 4, chunkIntervalMs: 10, firstByteDelayMs: 20 }, { times: 200 })
  const calls = Promise.allSettled(Array.from({ length: 120 }, (_, index) => call(index % 4 < 2 ? gateway.loom : doomed, index)))
  await until(() => answered.length >= 15, { what: () => `fifteen answers; ${answered.length} came` })
  await doomed.kill9()
  await calls

  await until(async () => (await gateway.api('GET', '/api/wallet')).heldNanoUsd === '0', { what: () => 'the holds of the dead replica to be given back' })
  const traces = await (await fetch(`${gateway.loom.url}/v1/traces?limit=200&status=200`, { headers: { authorization: `Bearer ${key}` } })).json()
  const charged: string[] = traces.data.map(({ id }: { id: string }) => id)
  expect(charged).toEqual(expect.arrayContaining(answered))
  expect(new Set(charged).size).toBe(charged.length)
  const wallet = await gateway.api('GET', '/api/wallet')
  expect(80_000_000n - BigInt(String(wallet.balanceNanoUsd))).toBe(1_000_000n * BigInt(charged.length))
  expect(refused.filter(status => status !== 402)).toEqual([])
  await gateway.loom.stop()
  expect(await checkLedgerOf(gateway.loom)).toContain('The ledger is exact')
})

const KILLS = 20

// Twenty starts take a minute, and several on a busy machine.
test.runIf(testDatabaseKind === 'postgres')('two replicas under load, one or the other killed twenty times: each answer is charged once to wallet and budgets, what is repeated under its Idempotency-Key too, no hold remains, the ledger is exact', async () => {
  const { url, drop } = await createPostgresDatabase()
  cleanUp.push(drop)
  const env = { DATABASE_URL: url, REPLICA_TIMEOUT_MS: '1500', ENCRYPTION_MASTER_KEY: MASTER_KEY }
  const gateway = await openGateway(env)
  cleanUp.push(gateway.remove)
  const second = await startLoom({ env })
  cleanUp.push(second.remove)
  const replicas = [gateway.loom, second]
  await gateway.api('PATCH', `/api/platform/orgs/${gateway.orgId}/wallet`, { mode: 'prepaid' })
  await gateway.api('POST', `/api/platform/orgs/${gateway.orgId}/funds`, { amountUsd: '1000', refId: 'funds' })
  // Calls without a budget may draw on a lease, those with one never do.
  const plain = await gateway.createKey()
  const budgeted = await gateway.createKey({ limits: { budgets: { day: '500', total: '500' } } })
  gateway.upstream.respondWith({ chunks: 4, chunkIntervalMs: 5, firstByteDelayMs: 10 }, { times: 10_000 })

  const answered: string[] = []
  const byIdempotencyKey = new Map<string, string>()
  let loading = true
  const call = async (loom: LoomServer | undefined, key: string, stream: boolean, headers: Record<string, string> = {}) => {
    const response = await fetch(`${loom?.url}/v1/chat/completions`, { method: 'POST', headers: { 'authorization': `Bearer ${key}`, 'x-billing-amount': '0.001', ...headers }, body: JSON.stringify({ model, messages: [{ role: 'user', content: 'Hi' }], stream }) }).catch(refusedConnection)
    const text = await response?.text().catch(refusedConnection)
    return response?.status === 200 && text !== undefined && (!stream || text.includes('[DONE]')) ? String(response.headers.get('x-request-id')) : undefined
  }
  /** Until it is answered, by one replica or the other, however often they are killed. */
  const repeat = async (index: number, key: string, stream: boolean) => {
    const once = randomUUID()
    for (let tries = index; ; tries++) {
      const id = await call(replicas[tries % 2], key, stream, { 'idempotency-key': once })
      if (id === undefined) continue
      byIdempotencyKey.set(once, id)
      return id
    }
  }
  const caller = async (index: number) => {
    const { key } = index % 4 < 2 ? plain : budgeted
    for (let calls = index; loading; calls++) {
      const stream = calls % 3 === 0
      const id = index % 2 ? await repeat(calls, key, stream) : await call(replicas[calls % 2], key, stream)
      if (id !== undefined) answered.push(id)
    }
  }
  const callers = Promise.all(Array.from({ length: 8 }, (_, index) => caller(index)))
  const random = randomNumbers(20_261_121)
  for (let kills = 0; kills < KILLS; kills++) {
    const enough = answered.length + 3 + random(20)
    await until(() => answered.length >= enough, { timeoutMs: 30_000, what: () => `${enough} answers; ${answered.length} came` })
    const doomed = replicas[random(2)]
    await doomed?.kill9()
    await doomed?.start()
  }
  loading = false
  await callers

  await until(async () => (await gateway.api('GET', '/api/wallet')).heldNanoUsd === '0', { what: () => 'every hold to be settled' })
  const charges = await readCharges(url)
  const charged = charges.map(({ id }) => id)
  expect(new Set(answered).size).toBe(answered.length)
  expect(charged).toEqual(expect.arrayContaining(answered))
  expect(new Set(charged).size).toBe(charged.length)
  const claimed = charges.filter(({ is_claimed }) => is_claimed)
  expect(claimed.map(({ id }) => id).toSorted()).toEqual([...byIdempotencyKey.values()].toSorted())
  expect(byIdempotencyKey.size).toBeGreaterThan(KILLS)
  expect(1_000_000_000_000n - BigInt(String((await gateway.api('GET', '/api/wallet')).balanceNanoUsd))).toBe(1_000_000n * BigInt(charged.length))
  expect(await readSpent(url)).toEqual(Array.from({ length: 2 }, () => 1_000_000n * BigInt(charges.filter(({ api_key_id }) => api_key_id === budgeted.id).length)))
  await gateway.loom.stop()
  await second.stop()
  expect(await checkLedgerOf(gateway.loom)).toContain('The ledger is exact')
}, 300_000)

/** The connection broke because its replica was killed: that is what happens here. */
function refusedConnection(error: unknown): undefined {
  if (!(error instanceof TypeError)) throw error
}

/** Whole numbers below `limit`, the same ones in each run. Source: mulberry32, public domain. */
function randomNumbers(seed: number): (limit: number) => number {
  let state = seed
  return (limit) => {
    state = (state + 0x6D2B79F5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit
  }
}

/** All that was charged, and whether its answer is kept under an Idempotency-Key. */
async function readCharges(url: string) {
  return readRows(url, sql => sql<{ id: string, api_key_id: string, is_claimed: boolean }[]>`
    select t.id, t.api_key_id, k.request_id is not null as is_claimed from transactions t left join idempotency_keys k on k.request_id = t.id
     where t.type = 'charge' and t.status = 'captured'`)
}

/** What every budget has counted, nano-USD. */
async function readSpent(url: string): Promise<bigint[]> {
  return (await readRows(url, sql => sql<{ spent: string }[]>`select spent from budget_windows`)).map(({ spent }) => BigInt(spent))
}

async function readRows<Row>(url: string, read: (sql: postgres.Sql) => Promise<readonly Row[]>): Promise<readonly Row[]> {
  const sql = postgres(url, { max: 1 })
  try {
    return await read(sql)
  } finally {
    await sql.end()
  }
}
