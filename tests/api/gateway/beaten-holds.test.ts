import { pino } from 'pino'
import { v7 as uuidv7 } from 'uuid'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { Database } from '../../../db/client'
import { LoomError } from '../../../server/errors'
import { BudgetHolder, SETTLING_PATIENCE_MS } from '../../../server/gateway/hold-budget'
import { createMetrics } from '../../../server/operations/metrics'
import { openTestDatabase } from '../../support/database'

let db: Database
beforeEach(async () => {
  db = await openTestDatabase()
})
afterEach(async () => {
  vi.useRealTimers()
  await db.close()
})

/** A call whose money is there each time it asks, for calls that went before it. */
function askAgainAndAgain(signal: AbortSignal, asked: () => void) {
  const query = (): Promise<Record<string, unknown>[]> => {
    asked()
    return Promise.resolve([{ n: 0, outcome: 'insufficient', available: '100' }])
  }
  const budget = new BudgetHolder({ ...db, query }, uuidv7(), createMetrics(), pino({ level: 'silent' }))
  return budget.hold({ id: uuidv7(), orgId: uuidv7(), refId: 'own', apiKeyId: null, amount: 1n }, undefined, signal)
}

test('a call that smaller ones keep going before ends with its caller', async () => {
  const abort = new AbortController()
  let asked = 0
  const gone = new LoomError('caller_gone', 'The caller left.')
  await expect(askAgainAndAgain(abort.signal, () => ++asked === 3 && abort.abort(gone))).rejects.toBe(gone)
  expect(asked).toBe(3)
})

test('a call that smaller ones keep going before is to be tried again, once it has waited as long as one may', async () => {
  vi.useFakeTimers({ toFake: ['performance'] })
  let asked = 0
  await expect(askAgainAndAgain(new AbortController().signal, () => {
    asked++
    vi.advanceTimersByTime(SETTLING_PATIENCE_MS / 2)
  })).rejects.toMatchObject({ code: 'service_unavailable', retryAfterSeconds: expect.any(Number) })
  expect(asked).toBe(3)
})
