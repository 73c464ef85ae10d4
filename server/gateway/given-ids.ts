import { z } from 'zod'
import type { Database } from '../../db/client'
import { hashedUuid } from '../utils/hashed-uuid'

/** As long as OpenAI and Azure keep an answer. Source: their documentation of the Responses API, read 2026-11. */
export const GIVEN_DAYS = 30
/** Of one answer: far more than any has items. */
const MAX_IDS = 1_000
/** Rows a statement: short enough to hold up nobody. */
const BATCH_ROWS = 5_000
/** Statements a run, so that a stop does not wait for long; the next run goes on. */
const MAX_BATCHES = 100

/** What an answer gave its org to name later, at a connection that all orgs share or one of several accounts of its own: itself, and what is in it. */
export interface GivenIds { orgId: string, connectionId: string, ids: readonly string[] }

/** By connection, each that was asked for. */
export type GivenAt = ReadonlyMap<string, ReadonlySet<string>>

const Row = z.object({ connection_id: z.string(), id_hash: z.string() })

/** Writes down what was given. Idempotent. */
export async function keepGivenIds(db: Pick<Database, 'query'>, given: readonly GivenIds[]): Promise<void> {
  const rows = given.flatMap(({ orgId, connectionId, ids }) => ids.slice(0, MAX_IDS).map(id => ({ orgId, connectionId, hash: hashedUuid(id) })))
  if (rows.length === 0) return
  // In order, so that two batches with the same ids wait for each other one way.
  await db.query(
    `insert into given_ids (org_id, connection_id, id_hash)
     select distinct * from unnest($1::uuid[], $2::uuid[], $3::uuid[]) order by 1, 2, 3 on conflict do nothing`,
    [rows.map(({ orgId }) => orgId), rows.map(({ connectionId }) => connectionId), rows.map(({ hash }) => hash)]
  )
}

/** Which of `ids` the org was given at these connections. */
export async function findGivenIds(db: Pick<Database, 'query'>, orgId: string, connectionIds: readonly string[], ids: readonly string[]): Promise<GivenAt> {
  const byHash = new Map(ids.map(id => [hashedUuid(id), id]))
  const rows = await db.query('select connection_id, id_hash from given_ids where org_id = $1 and connection_id = any($2::uuid[]) and id_hash = any($3::uuid[])', [orgId, connectionIds, [...byHash.keys()]])
  const found = rows.map(row => Row.parse(row))
  return new Map(connectionIds.map(connectionId => [connectionId, new Set(found.flatMap(row => row.connection_id === connectionId ? byHash.get(row.id_hash) ?? [] : []))]))
}

/**
 * Deletes what providers keep no longer, in small batches. May run on every replica.
 * @returns how many were deleted
 */
export async function forgetGivenIds(db: Pick<Database, 'query'>, now = new Date()): Promise<number> {
  let forgotten = 0
  for (let batch = 0; batch < MAX_BATCHES; batch++) {
    const rows = await db.query(`
      delete from given_ids where (org_id, connection_id, id_hash) in (
        select org_id, connection_id, id_hash from given_ids where created_at < $1::timestamptz - make_interval(days => $2::int) limit $3::int for update skip locked
      ) returning 1`, [now, GIVEN_DAYS, BATCH_ROWS])
    forgotten += rows.length
    if (rows.length < BATCH_ROWS) break
  }
  return forgotten
}
