import { setTimeout as sleep } from 'node:timers/promises'
import { v7 as uuidv7 } from 'uuid'
import type { Database } from '../../db/client'
import { captureCalls } from '../../server/billing/capture-calls'
import type { Generated } from './generate-traces'
import { holdBatch, openWallet } from './hold-batch'
import type { BenchQuery } from './queries'

const TURNS = 10
const READS_A_TURN = 10
const BATCH = 20
const PAUSE_MS = 100

/** What each query took, in ms: while nothing else was written, and during the load. */
export interface BesideInserts {
  queries: { query: BenchQuery, aloneMs: number[], besideMs: number[] }[]
  /** Calls captured a second during the load. */
  rate: number
}

/**
 * Reads by turns with and without a steady load of calls, each held, captured and traced as the gateway does it, so that both meet the same noise.
 * The load has connections of its own, as other replicas have.
 */
export async function measureInserts(reader: Database, writer: Database, made: Generated, queries: readonly BenchQuery[]): Promise<BesideInserts> {
  await openWallet(writer, made)
  const results = queries.map(query => ({ query, aloneMs: [] as number[], besideMs: [] as number[] }))
  const load = { calls: 0, ms: 0 }
  for (let turn = 0; turn < TURNS; turn++) {
    for (const { query, aloneMs } of results) aloneMs.push(...await timeReads(reader, query))
    const stop = new AbortController()
    const startedAt = performance.now()
    const writing = captureSteadily(writer, made, stop.signal)
    // The first batch is under way before anything is read.
    await sleep(PAUSE_MS)
    for (const { query, besideMs } of results) besideMs.push(...await timeReads(reader, query))
    stop.abort()
    load.calls += await writing
    load.ms += performance.now() - startedAt
  }
  return { queries: results, rate: load.calls / load.ms * 1_000 }
}

async function timeReads(db: Database, { run }: BenchQuery): Promise<number[]> {
  const took: number[] = []
  for (let read = 0; read < READS_A_TURN; read++) {
    const startedAt = performance.now()
    await run(db.orm)
    took.push(performance.now() - startedAt)
  }
  return took
}

/** The number of calls captured until it is stopped. */
async function captureSteadily(db: Database, made: Generated, stop: AbortSignal): Promise<number> {
  const replica = uuidv7()
  let calls = 0
  while (!stop.aborted) {
    const startedAt = performance.now()
    await captureCalls(db, replica, await holdBatch(db, replica, made, BATCH))
    calls += BATCH
    await sleep(Math.max(0, PAUSE_MS - (performance.now() - startedAt)))
  }
  return calls
}
