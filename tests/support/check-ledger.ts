import { execFile } from 'node:child_process'
import { resolve } from 'node:path'
import { promisify } from 'node:util'
import type { LoomServer } from './loom-server'

/** Runs `ledger:check` on the database of a Loom that was stopped; what it prints. Fails when it does. */
export async function checkLedgerOf(loom: Pick<LoomServer, 'env'>): Promise<string> {
  const script = resolve(import.meta.dirname, '../../scripts/database.ts')
  const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', script, 'check-ledger'], { env: { ...loom.env } })
  return stdout
}
