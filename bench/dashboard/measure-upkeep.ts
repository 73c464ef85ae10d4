import postgres from 'postgres'
import { v7 as uuidv7 } from 'uuid'
import { z } from 'zod'
import { captureCalls } from '../../server/billing/capture-calls'
import { holdFunds } from '../../server/billing/hold-funds'
import { finishedCall } from '../../tests/support/ledger-entries'
import { median } from '../statistics'
import type { Generated } from './generate-traces'

const ROUNDS = 200
/** The parts of a capture that keep the hourly totals; what they read is worked out inside them. */
const UPKEEP = ['CTE rolled', 'CTE totalled']

interface Plan { 'Subplan Name'?: string | undefined, 'Actual Total Time': number, 'Actual Loops': number, 'Plans'?: Plan[] | undefined }
const Plan: z.ZodType<Plan> = z.lazy(() => z.object({ 'Subplan Name': z.string().optional(), 'Actual Total Time': z.number(), 'Actual Loops': z.number(), 'Plans': z.array(Plan).optional() }))

export interface Upkeep {
  /** Of one capture of the batch in the database, without its commit. */
  captureMs: number
  /** Of that the part that keeps the hourly totals. */
  share: number
}

/**
 * What the hourly totals add to a capture of `batch` calls by different keys, as PostgreSQL tells it of each statement: medians of many. The
 * commit and the way to the database are not counted, which would make the share smaller.
 */
export async function measureUpkeep(url: string, made: Generated, batch: number): Promise<Upkeep> {
  const told: string[] = []
  const sql = postgres(url, {
    max: 1,
    onnotice: ({ message }) => told.push(String(message)),
    connection: { 'session_preload_libraries': 'auto_explain', 'auto_explain.log_min_duration': '0', 'auto_explain.log_level': 'notice', 'auto_explain.log_analyze': true, 'auto_explain.log_format': 'json' }
  })
  const db = { query: async (text: string, parameters: readonly unknown[] = []) => [...await sql.unsafe<Record<string, unknown>[]>(text, parameters.map(String), { prepare: true })] }
  await sql`insert into wallets (org_id, mode) values (${made.orgId}, 'unlimited') on conflict do nothing`
  const replica = uuidv7()
  const [totals, shares]: [number[], number[]] = [[], []]
  for (let round = 0; round < ROUNDS; round++) {
    const ids = Array.from({ length: batch }, () => uuidv7())
    await holdFunds(db, replica, ids.map(id => ({ id, orgId: made.orgId, refId: id, apiKeyId: null, amount: 1_000n })))
    told.length = 0
    await captureCalls(db, replica, ids.map((id, n) => finishedCall(made.orgId, id, 900n, { apiKeyId: made.apiKeyIds[n % made.apiKeyIds.length], model: `model-${n % 3}`, ttfbMs: 120, latencyMs: 900 })))
    const { totalMs, upkeepMs } = readPlan(told.join('\n'))
    // The first ones plan, and make the rows of their hour.
    if (round >= 10) {
      totals.push(totalMs)
      shares.push(upkeepMs / totalMs)
    }
  }
  await sql.end()
  return { captureMs: median(totals), share: median(shares) }
}

function readPlan(text: string): { totalMs: number, upkeepMs: number } {
  const duration = /duration: ([\d.]+) ms/.exec(text)?.[1]
  const { Plan: plan } = z.object({ Plan }).parse(JSON.parse(text.slice(text.indexOf('{'))))
  const upkeep = plan.Plans?.filter(part => UPKEEP.includes(part['Subplan Name'] ?? '')) ?? []
  return { totalMs: Number(duration), upkeepMs: upkeep.reduce((sum, part) => sum + part['Actual Total Time'] * part['Actual Loops'], 0) }
}
