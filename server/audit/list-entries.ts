import { and, desc, eq, getTableColumns, gte, like, lt, or, sql } from 'drizzle-orm'
import type { SQL } from 'drizzle-orm'
import type { Orm } from '../../db/client'
import { auditLogs, users } from '../../db/schema'
import type { AuditEntry, AuditFilter, AuditPage, AuditQuery } from '../../shared/audit'

const EXPORT_PAGE = 1_000

/** An org's log, newest first, by keyset over its sequence: the last page costs what the first does. */
export async function listEntries(orm: Orm, orgId: string, { limit, cursor, ...filter }: AuditQuery): Promise<AuditPage> {
  const rows = await selectEntries(orm, and(matching(orgId, filter), cursor === undefined ? undefined : lt(auditLogs.sequence, cursor)), limit + 1)
  const items = rows.slice(0, limit)
  return { items, nextCursor: rows.length > limit ? String(items.at(-1)?.sequence) : null }
}

/** All of it that matches, newest first, a page in memory at a time. */
export async function* exportEntries(orm: Orm, orgId: string, filter: AuditFilter): AsyncGenerator<AuditEntry> {
  for (let cursor: number | undefined; ;) {
    const rows = await selectEntries(orm, and(matching(orgId, filter), cursor === undefined ? undefined : lt(auditLogs.sequence, cursor)), EXPORT_PAGE)
    yield* rows
    cursor = rows.at(-1)?.sequence
    if (rows.length < EXPORT_PAGE) return
  }
}

/** What was ever done in an org, for a choice of filters. */
export async function listActions(orm: Orm, orgId: string): Promise<string[]> {
  const rows = await orm.selectDistinct({ action: auditLogs.action }).from(auditLogs).where(eq(auditLogs.orgId, orgId)).orderBy(auditLogs.action)
  return rows.map(({ action }) => action)
}

function matching(orgId: string, { userId, action, target, from, to }: AuditFilter): SQL | undefined {
  return and(
    eq(auditLogs.orgId, orgId),
    userId === undefined ? undefined : or(eq(auditLogs.actor, `user:${userId}`), like(auditLogs.actor, `key:% of user:${userId}`)),
    action === undefined ? undefined : action.includes('.') ? eq(auditLogs.action, action) : sql`starts_with(${auditLogs.action}, ${`${action}.`})`,
    target === undefined ? undefined : eq(auditLogs.target, target),
    from === undefined ? undefined : gte(auditLogs.createdAt, new Date(from)),
    to === undefined ? undefined : lt(auditLogs.createdAt, new Date(to))
  )
}

async function selectEntries(orm: Orm, condition: SQL | undefined, limit: number): Promise<AuditEntry[]> {
  const { id, sequence, createdAt, actor, action, target, before, after, ip, hash } = getTableColumns(auditLogs)
  const rows = await orm
    .select({ id, sequence, createdAt, actor, actorName: users.name, action, target, before, after, ip, hash })
    .from(auditLogs)
    // The user at the end of either kind of actor.
    .leftJoin(users, sql`${users.id} = substring(${auditLogs.actor} from '[0-9a-f-]{36}$')::uuid`)
    .where(condition)
    .orderBy(desc(auditLogs.sequence))
    .limit(limit)
  return rows.map(row => ({ ...row, createdAt: row.createdAt.toISOString() }))
}
