import postgres from 'postgres'
import { Pool } from 'undici'
import { z } from 'zod'
import { toUsdDecimal } from '../shared/money'
import { checkLedgerOf } from '../tests/support/check-ledger'
import { startLoomServer } from '../tests/support/loom-server'
import { startRedis } from '../tests/support/redis'
import { CHAT_PATH, chatCall } from './measure'
import { formatTable } from './report'
import { saturated } from './scenarios'
import type { Bench } from './set-up'
import { CreatedKey } from './set-up'

const KEYS = 50
/** What of a budget may be left when everybody was refused. */
const MOST_UNUSED = 0.05
/** What a call of the mock costs: 300 tokens in and 200 out. Far more is held for it: 500 out. */
const CALL_NANO_USD = 2_750_000n

/**
 * Fifty keys on two replicas, with one PostgreSQL and one Redis, race for one budget of their project until each is refused. What they spent is the
 * ledger's word: never a nano-USD beyond the budget, and at most a twentieth of it left. The budget is no multiple of a call's price.
 */
export async function race(bench: Bench, _load: unknown, { isQuick }: { isQuick: boolean }): Promise<string> {
  const limit = (isQuick ? 1_000n : 10_000n) * CALL_NANO_USD + 11n
  const project = z.object({ id: z.string() }).parse(await bench.api('POST', '/api/projects', { name: 'Race' }))
  await bench.api('PATCH', `/api/projects/${project.id}`, { policy: { budgets: { month: toUsdDecimal(limit) } } })
  const keys = await Promise.all(Array.from({ length: KEYS }, async (_, index) => CreatedKey.parse(await bench.api('POST', '/api/keys', { name: `racer ${index}`, projectId: project.id }))))

  const redis = await startRedis()
  const replicas = await Promise.all([0, 1].map(() => startLoomServer({ env: { ...bench.replicaEnv, REDIS_URL: redis.url }, keepLogs: false })))
  const startedAt = performance.now()
  const answered = await Promise.all(keys.map(({ key }, index) => callUntilRefused(bench, replicas.map(({ url }) => url), key, index)))
  const seconds = (performance.now() - startedAt) / 1000
  for (const replica of replicas) await replica.stop()
  await redis.stop()

  const spent = await spentBy(bench.databaseUrl, keys.map(({ id }) => id))
  const calls = answered.reduce((sum, own) => sum + own, 0)
  const unused = Number(limit - spent) / Number(limit)
  const rows: [string, string, string, boolean][] = [
    ['spent beyond the budget (nano-USD)', '0', String(spent > limit ? spent - limit : 0n), spent <= limit],
    ['left of the budget (%)', `≤ ${MOST_UNUSED * 100}`, (unused * 100).toFixed(3), unused <= MOST_UNUSED],
    ['calls answered and not charged', '0', String(BigInt(calls) - spent / CALL_NANO_USD), BigInt(calls) * CALL_NANO_USD === spent]
  ]
  return [
    `${calls} calls by ${KEYS} keys on ${replicas.length} replicas in ${seconds.toFixed(1)} s, ${(calls / seconds).toFixed(0)} a second`,
    await checkLedgerOf({ env: bench.replicaEnv }),
    formatTable(['promise', 'target', 'reached', ''], rows.map(([promise, target, reached, isKept]) => [promise, target, reached, isKept ? 'ok' : 'MISS']))
  ].join('\n')
}

/** @returns how many calls were answered before one was refused for the budget */
async function callUntilRefused(bench: Bench, urls: readonly string[], key: string, first: number): Promise<number> {
  const { body } = chatCall(bench.loom, saturated)
  const pools = urls.map(url => new Pool(url, { connections: 1 }))
  try {
    for (let calls = 0; ; calls++) {
      const pool = pools[(first + calls) % pools.length]
      if (!pool) throw new Error('There is no replica')
      const response = await pool.request({ method: 'POST', path: CHAT_PATH, body, headers: { 'content-type': 'application/json', 'authorization': `Bearer ${key}` } })
      const text = await response.body.text()
      if (response.statusCode === 402) return calls
      if (response.statusCode !== 200) throw new Error(`A call was answered with ${response.statusCode}: ${text}`)
    }
  } finally {
    await Promise.all(pools.map(pool => pool.close()))
  }
}

async function spentBy(databaseUrl: string, keyIds: readonly string[]): Promise<bigint> {
  const sql = postgres(databaseUrl, { max: 1 })
  const [row] = await sql`select coalesce(sum(captured), 0)::text as spent from transactions where status = 'captured' and api_key_id = any(${[...keyIds]}::uuid[])`
  await sql.end()
  return z.object({ spent: z.coerce.bigint() }).parse(row).spent
}
