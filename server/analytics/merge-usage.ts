import { z } from 'zod'
import type { Database } from '../../db/client'
import { addToHours } from './roll-up'

/** Calls a statement: on the embedded database everything waits for it, some 20 ms. */
const BATCH_CALLS = 2_000
/** Statements a run, so that a stop does not wait for long; the next run goes on. */
const MAX_BATCHES = 100

const Merged = z.object({ calls: z.number() })

/**
 * Moves calls of `usage_pending` into the hours they belong to. Readers add up both, in one statement as this is one: figures are the same
 * before and after, and a failure in between changes nothing. May run on every replica: one at a time does the work.
 */
export async function mergeUsage({ query }: Pick<Database, 'query'>): Promise<void> {
  for (let batch = 0; batch < MAX_BATCHES; batch++) {
    const [row] = await query(MERGE, [BATCH_CALLS])
    if (Merged.parse(row).calls < BATCH_CALLS) return
  }
}

/** Gives the place of merged calls to new ones. PostgreSQL does so by itself; the embedded database has no autovacuum, and would read through a table that only grows. */
export async function reclaimPending({ query }: Pick<Database, 'query'>): Promise<void> {
  await query('vacuum usage_pending')
}

// The rows that are deleted are those that are added, whenever they were committed: no mark of how far the last run came could tell that.
// An org that is locked, as one being purged, is left for a later run. Nobody asks for the calls of one that is gone.
const MERGE = `
with batch as materialized (
  select ctid as place, org_id from usage_pending where (select pg_try_advisory_xact_lock(hashtext('loom:merge_usage'))) limit $1::int
), free as materialized (
  select id from orgs where id in (select org_id from batch) for key share skip locked
), gone as materialized (
  select distinct org_id from batch where not exists (select from orgs where orgs.id = batch.org_id)
), taken as (
  delete from usage_pending where ctid = any(array(select place from batch where org_id in (select id from free union all select org_id from gone))) returning *
), ${addToHours('taken where org_id in (select id from free)')}
select count(*)::int as calls from taken`
