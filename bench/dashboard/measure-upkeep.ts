import { v7 as uuidv7 } from 'uuid'
import type { Database } from '../../db/client'
import { mergeUsage } from '../../server/analytics/merge-usage'
import { captureCalls } from '../../server/billing/capture-calls'
import { median } from '../statistics'
import type { Generated } from './generate-traces'
import { holdBatch, openWallet } from './hold-batch'

const ROUNDS = 600
/** As many as some 20 captures a second come to between two merges. */
const ROUNDS_A_MERGE = 100

/** The part of the capturing statement that keeps the hourly totals. */
const UPKEEP = /, counted as \(\s+insert into usage_pending[\s\S]*?\n\)/

export interface Upkeep {
  /** Of one capture of the batch, with its commit and the way there. */
  captureMs: number
  /** Of the same without its upkeep of hourly totals. */
  bareMs: number
  /** Of moving the batch into its hours afterwards, its share of what a merge takes. */
  mergeMs: number
}

/** What the hourly totals add to a capture of `batch` calls by different keys: captures with and without them by turns, so that both meet the same noise; medians. */
export async function measureUpkeep(db: Database, made: Generated, batch: number): Promise<Upkeep> {
  const bare: Pick<Database, 'query'> = {
    query: (text, parameters) => {
      if (!UPKEEP.test(text)) throw new Error('The upkeep of hourly totals was not found in the statement')
      return db.query(text.replace(UPKEEP, ''), parameters)
    }
  }
  await openWallet(db, made)
  await mergeUsage(db)
  const replica = uuidv7()
  const took = { full: [] as number[], bare: [] as number[], merge: [] as number[] }
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, database] of [['full', db], ['bare', bare]] as const) {
      const calls = await holdBatch(db, replica, made, batch)
      const startedAt = performance.now()
      await captureCalls(database, replica, calls)
      // The first ones plan.
      if (round >= 20) took[name].push(performance.now() - startedAt)
    }
    if ((round + 1) % ROUNDS_A_MERGE > 0) continue
    const startedAt = performance.now()
    await mergeUsage(db)
    took.merge.push((performance.now() - startedAt) / ROUNDS_A_MERGE)
  }
  return { captureMs: median(took.full), bareMs: median(took.bare), mergeMs: median(took.merge) }
}
