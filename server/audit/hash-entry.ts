import { createHash } from 'node:crypto'

/** What the first entry of an org follows. */
export const CHAIN_START = '0'.repeat(64)

export interface AuditEntry {
  orgId: string
  sequence: number
  actor: string
  action: string
  target: string
  before: unknown
  after: unknown
  ip: string | null
  createdAt: Date
}

/** The hex SHA-256 of an entry and of the hash before it: whoever changes, drops or reorders an entry breaks every later one. */
export function hashEntry(previousHash: string, entry: AuditEntry): string {
  const { orgId, sequence, actor, action, target, before, after, ip, createdAt } = entry
  const content = { orgId, sequence, actor, action, target, before, after, ip, createdAt: createdAt.toISOString() }
  return createHash('sha256').update(previousHash).update(canonicalJson(content)).digest('hex')
}

/** JSON with sorted keys, so that a value read back from the database hashes as it did when it was written. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) => {
    if (typeof inner !== 'object' || inner === null || Array.isArray(inner)) return inner
    return Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
  })
}
