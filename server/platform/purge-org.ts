import { setTimeout as sleep } from 'node:timers/promises'
import { eq } from 'drizzle-orm'
import { z } from 'zod'
import type { Database, Orm, Query } from '../../db/client'
import { auditHeads } from '../../db/schema'
import { recordChange } from '../audit/record'
import type { Author } from '../audit/record'
import { CATALOG_CHANNEL } from '../catalog/catalog'
import { LoomError } from '../errors'
import { discardBytes, removeDiscardedBytes } from '../files/discarded-bytes'
import type { Runtime } from '../runtime'
import { CLOSED_CHANNEL, lockOrg } from './lock-org'

/** Traces a statement, so that nobody waits for long. */
const TRACE_BATCH = 5_000
/** How often, and how far apart, it is asked whether anything of the org's money is still held. */
const SETTLING_TRIES = 30
const SETTLING_PAUSE_MS = 100

const TenantTable = z.object({ name: z.string().regex(/^[a-z_]+$/), parents: z.array(z.string()), has_files: z.boolean() })
type TenantTable = z.infer<typeof TenantTable>
const StorageKey = z.object({ storage_key: z.string() })

/**
 * Deletes everything of an org for good, its files, ledger and audit log too. What is left is one entry in the author's own log, with the
 * last hash of the org's. Only after a soft deletion. Safe to repeat after a failure.
 * @throws {LoomError} `not_found`, `conflict` when it is not deleted, or calls of it are under way, `invalid_request` when its slug was not typed
 */
export async function purgeOrg(runtime: Pick<Runtime, 'db' | 'fileStore' | 'log' | 'metrics'>, author: Author, orgId: string, confirm: string): Promise<void> {
  const { db } = runtime
  await db.orm.transaction(transaction => lockPurgeable(transaction, orgId, confirm))
  await untilSettled(db, orgId)
  await recordPurge(db, author, orgId, confirm)
  await deleteTraces(db, orgId)
  const tables = await listTenantTables(db)
  await db.transaction(query => deleteRows(query, tables, orgId))
  await removeDiscardedBytes(runtime)
  for (const channel of ['loom_orgs', CLOSED_CHANNEL, CATALOG_CHANNEL]) await db.notify(channel, orgId)
}

async function lockPurgeable(transaction: Orm, orgId: string, confirm: string): ReturnType<typeof lockOrg> {
  const org = await lockOrg(transaction, orgId)
  if (!org.deletedAt) throw new LoomError('conflict', 'Delete the organisation first. Only what is deleted can be purged.')
  if (confirm !== org.slug) throw new LoomError('invalid_request', `Type the organisation's slug, "${org.slug}", to confirm. Nothing of it can be brought back afterwards.`, { param: 'confirm' })
  return org
}

/** Written before anything is deleted: rather a purge in the log that has to be repeated than one that nobody knows of. */
async function recordPurge({ orm }: Database, author: Author, orgId: string, confirm: string): Promise<void> {
  await orm.transaction(async (transaction) => {
    const org = await lockPurgeable(transaction, orgId, confirm)
    const [head] = await transaction.select().from(auditHeads).where(eq(auditHeads.orgId, orgId))
    const before = { name: org.name, slug: org.slug, auditEntries: head?.sequence ?? 0, auditHead: head?.hash ?? null }
    await recordChange(transaction, author, { action: 'org.purge', target: `org:${orgId}`, before })
  })
}

/**
 * Nothing may be held any more: what gives held money back needs the wallet, which is locked for as long as its ledger takes to delete. Everybody's calls would wait with it.
 * @throws {LoomError} `conflict`
 */
async function untilSettled({ query }: Pick<Database, 'query'>, orgId: string): Promise<void> {
  for (let tries = 0; await isHeldFrom(query, orgId); tries++) {
    if (tries === SETTLING_TRIES) throw stillHeld()
    await sleep(SETTLING_PAUSE_MS)
  }
}

/** A lease that is drawn down holds nothing, but what was drawn on it stands in no budget before it has gone. */
async function isHeldFrom(query: Query, orgId: string): Promise<boolean> {
  return (await query('select from wallets w where org_id = $1 and (held > 0 or exists (select from wallet_leases l where l.org_id = w.org_id))', [orgId])).length > 0
}

function stillHeld(): LoomError {
  return new LoomError('conflict', 'Calls of this organisation are still under way. Try again when they have ended.', { retryAfterSeconds: 5 })
}

/** The bulk of an org, a piece at a time and ahead of the rest. */
async function deleteTraces({ query }: Database, orgId: string): Promise<void> {
  for (let deleted = TRACE_BATCH; deleted === TRACE_BATCH;) {
    const rows = await query(`delete from traces where (created_at, id) in (select created_at, id from traces where org_id = $1 limit ${TRACE_BATCH}) returning 1`, [orgId])
    deleted = rows.length
  }
}

/** All rows of the org, the org, and the bytes of its files. */
async function deleteRows(query: Query, tables: TenantTable[], orgId: string): Promise<void> {
  // The first is what the triggers that keep ledger and log ask for.
  await query(`select set_config('loom.purging', $1, true), set_config('statement_timeout', '0', true)`, [orgId])
  const [org] = await query('select from orgs where id = $1 and deleted_at is not null for update', [orgId])
  if (!org) throw new LoomError('conflict', 'The organisation was restored meanwhile.')
  const shares = await sharesInPlatformBudgets(query, orgId)
  const storageKeys: string[] = []
  for (const { name, has_files: hasFiles } of tables) {
    const rows = await query(`delete from ${name} where org_id = $1 ${hasFiles ? 'returning storage_key' : ''}`, [orgId])
    if (hasFiles) storageKeys.push(...rows.map(row => StorageKey.parse(row).storage_key))
  }
  await query('delete from orgs where id = $1', [orgId])
  await keepShares(query, shares)
  await discardBytes(query, storageKeys)
}

const Share = z.object({ id: z.string(), captured: z.coerce.string() })
type Share = z.infer<typeof Share>

/** What the org's charges make out of the platform's budgets, final: whatever holds money of the org waits from here on. */
async function sharesInPlatformBudgets(query: Query, orgId: string): Promise<Share[]> {
  await query('select from wallets where org_id = $1 for update', [orgId])
  if (await isHeldFrom(query, orgId)) throw stillHeld()
  const rows = await query(`
    select b.id, sum(t.captured) as captured
      from transactions t cross join lateral unnest(t.budget_windows) as w(id) join budget_windows b on b.id = w.id and b.org_id is null
     where t.org_id = $1 and t.status = 'captured' group by b.id`, [orgId])
  return rows.map(row => Share.parse(row))
}

/** The platform has spent it, though nothing tells any more on what. Last, since every call under a budget of the platform waits meanwhile. */
async function keepShares(query: Query, shares: Share[]): Promise<void> {
  await query(`
    with shares as (select * from jsonb_to_recordset($1::text::jsonb) as s(id uuid, captured bigint)),
         windows as materialized (select id from budget_windows where id in (select id from shares) order by id for update)
    update budget_windows b set purged = b.purged + s.captured from shares s where b.id = s.id and b.id in (select id from windows)`,
  [JSON.stringify(shares)])
}

/** Every table with rows of orgs, each before those it refers to. Asked of the database, so that a new table is not forgotten. */
async function listTenantTables({ query }: Database): Promise<TenantTable[]> {
  const rows = await query(`
    select c.relname::text as name,
           exists (select from pg_attribute k where k.attrelid = c.oid and k.attname = 'storage_key' and not k.attisdropped) as has_files,
           array(select distinct p.relname::text from pg_constraint f join pg_class p on p.oid = f.confrelid where f.conrelid = c.oid and f.contype = 'f' and f.confrelid <> c.oid) as parents
      from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'org_id' and not a.attisdropped
     where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
     order by 1`)
  return childrenFirst(rows.map(row => TenantTable.parse(row)))
}

function childrenFirst(tables: TenantTable[]): TenantTable[] {
  const order: TenantTable[] = []
  for (let left = tables; left.length > 0;) {
    const free = left.filter(({ name }) => !left.some(other => other.name !== name && other.parents.includes(name)))
    if (free.length === 0) throw new Error(`Tables that refer to one another in a circle: ${left.map(({ name }) => name).join(', ')}`)
    order.push(...free)
    left = left.filter(table => !free.includes(table))
  }
  return order
}
