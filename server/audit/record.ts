import { eq, sql } from 'drizzle-orm'
import type { Orm } from '../../db/client'
import { auditHeads, auditLogs } from '../../db/schema'
import type { Principal } from '../identity/principal'
import { CHAIN_START, hashEntry } from './hash-entry'

/** Who changes something, and from where. */
export interface Author {
  principal: Principal
  ip: string | null
}

export interface Change {
  /** `<thing>.<verb>`, as in `key.create`. */
  action: string
  /** `<thing>:<id>`. */
  target: string
  /** Never a secret, nor anything a secret could be guessed from. */
  before?: Record<string, unknown>
  after?: Record<string, unknown>
  /** The org it concerns, where that is not the author's own. */
  orgId?: string
}

/** Appends to the audit log of the org concerned. Give it the transaction of the change, so that neither exists without the other. */
export async function recordChange(transaction: Orm, author: Author, change: Change): Promise<void> {
  const { principal, ip } = author
  const actor = principal.kind === 'key' ? `key:${principal.keyId} of user:${principal.userId}` : `user:${principal.userId}`
  await append(transaction, { ...change, orgId: change.orgId ?? principal.orgId, actor, ip })
}

/** The same for what Loom itself does to an org. */
export async function recordSystemChange(transaction: Orm, orgId: string, change: Change): Promise<void> {
  await append(transaction, { ...change, orgId, actor: 'system', ip: null })
}

/** The same for what an API key asks on `/v1`, as itself. */
export async function recordKeyUse(transaction: Orm, key: { orgId: string, apiKeyId: string | null, ip: string | null }, change: Change): Promise<void> {
  await append(transaction, { ...change, orgId: key.orgId, actor: `key:${key.apiKeyId}`, ip: key.ip })
}

async function append(transaction: Orm, change: Change & { orgId: string, actor: string, ip: string | null }): Promise<void> {
  // One writer an org at a time: two entries after the same one would fork the chain.
  await transaction.execute(sql`select pg_advisory_xact_lock(hashtextextended(${`audit:${change.orgId}`}, 0))`)
  const [last] = await transaction.select().from(auditHeads).where(eq(auditHeads.orgId, change.orgId))
  const previousHash = last?.hash ?? CHAIN_START
  const entry = { ...change, before: toJson(change.before), after: toJson(change.after), sequence: (last?.sequence ?? 0) + 1, createdAt: new Date() }
  const head = { orgId: change.orgId, sequence: entry.sequence, hash: hashEntry(previousHash, entry) }
  await transaction.insert(auditLogs).values({ ...entry, previousHash, hash: head.hash })
  await transaction.insert(auditHeads).values(head).onConflictDoUpdate({ target: auditHeads.orgId, set: head })
}

/** As the database gives it back: dates as text, undefined fields left out. */
function toJson(value: Record<string, unknown> | undefined): unknown {
  return value === undefined ? null : JSON.parse(JSON.stringify(value))
}
