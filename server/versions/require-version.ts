import { and, desc, eq, inArray, sql } from 'drizzle-orm'
import type { Orm } from '../../db/client'
import { auditLogs, users } from '../../db/schema'
import type { ChangedMeanwhile } from '../../shared/errors'
import { LoomError } from '../errors'
import { versionOf } from './version-of'

interface Editing {
  /** null: the platform's, whose changes stand in the logs of their authors' orgs. */
  orgId: string | null
  /** As the audit log names it: `key:<id>`. */
  target: string
  /** What the audit log calls changes of these fields: the same target has other entries, too. Empty: nothing is logged of them. */
  actions: readonly string[]
  /** What of an entry tells this thing from others of the same target, as in `{ userId }`. */
  detail?: Record<string, unknown>
  /** Its editable fields as they are now, its row locked. */
  fields: Record<string, unknown>
  /** The version the author saw; undefined for whoever does not ask. */
  expected: string | undefined
}

/**
 * Lets a change pass only over what its author saw, so that of two who edit one thing the later is told instead of overwriting the earlier.
 * @throws {LoomError} `conflict` whose details (`ChangedMeanwhile`) tell what it is now, and who made it so
 */
export async function requireVersion(transaction: Orm, { fields, expected, ...thing }: Editing): Promise<void> {
  const version = versionOf(fields)
  if (expected === undefined || expected === version) return
  const details: ChangedMeanwhile = { version, ...await findLastChange(transaction, thing), current: fields }
  throw new LoomError('conflict', `${details.changedBy ?? 'Somebody'} changed this since you opened it. Look at what changed, then save again.`, { details: { ...details } })
}

async function findLastChange(transaction: Orm, { orgId, target, actions, detail }: Omit<Editing, 'fields' | 'expected'>): Promise<Pick<ChangedMeanwhile, 'changedBy' | 'changedAt'>> {
  // An org's entries are in the order of their numbers; those of several orgs by their clocks alone.
  const newest = orgId === null ? desc(auditLogs.createdAt) : desc(auditLogs.sequence)
  const [last] = await transaction.select({ actor: auditLogs.actor, createdAt: auditLogs.createdAt }).from(auditLogs)
    .where(and(
      orgId === null ? undefined : eq(auditLogs.orgId, orgId), inArray(auditLogs.action, [...actions]), eq(auditLogs.target, target),
      detail && sql`coalesce(${auditLogs.after}, ${auditLogs.before}) @> ${JSON.stringify(detail)}::jsonb`
    ))
    .orderBy(newest).limit(1)
  const userId = last && /user:([\da-f-]{36})/.exec(last.actor)?.[1]
  const [user] = userId ? await transaction.select({ name: users.name }).from(users).where(eq(users.id, userId)) : []
  return { changedBy: user?.name ?? null, changedAt: last?.createdAt.toISOString() ?? null }
}
