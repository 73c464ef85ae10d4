import { expect } from 'vitest'
import { checkLedgerOf } from './check-ledger'
import type { GatewayUnderTest } from './open-gateway'
import { until } from './until'

/** Stops a Loom that was ill-treated: every hold is given back, nothing went unhandled, and the ledger is exact. */
export async function expectUnharmed({ api, loom }: Pick<GatewayUnderTest, 'api' | 'loom'>): Promise<void> {
  await until(async () => (await api('GET', '/api/wallet')).heldNanoUsd === '0', { what: () => 'every hold to be given back' })
  await loom.stop()
  expect(loom.logs()).not.toMatch(/uncaughtException|unhandledRejection|"level":"fatal"/)
  expect(await checkLedgerOf(loom)).toContain('The ledger is exact')
}
