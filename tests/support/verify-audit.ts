import { execFile } from 'node:child_process'
import { resolve } from 'node:path'
import { promisify } from 'node:util'
import type { LoomServer } from './loom-server'

/** Runs `audit:verify` on the database of a Loom that was stopped; what it prints. Rejects, with what it printed, when it exits non-zero. */
export async function verifyAuditOf(loom: LoomServer): Promise<string> {
  const script = resolve(import.meta.dirname, '../../scripts/database.ts')
  const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', script, 'verify-audit'], { env: { ...loom.env } })
  return stdout
}
