import { randomBytes } from 'node:crypto'
import { v7 as uuidv7 } from 'uuid'
import { z } from 'zod'
import type { Database } from '../../db/client'
import { ensureTracePartitions } from '../../db/ensure-trace-partitions'
import { addToHours } from '../../server/analytics/roll-up'

export interface Generated { orgId: string, apiKeyIds: string[], userId: string, projectId: string }

const KEYS = 40
const USERS = 30
const PROJECTS = 10

/**
 * Fills an empty database with `count` traces of one org, spread evenly over `months` until now, without bodies, and adds them to the hours they belong to.
 * A key calls for one project and user, with three of twelve models; some of everything is rare: failures, slow and dear calls, conversations, tags.
 */
export async function generateTraces(db: Database, count: number, months: number, told: (line: string) => void): Promise<Generated> {
  const orgId = uuidv7()
  await db.query(`insert into orgs (id, name, slug, encryption_salt) values ($1, 'Bench', 'bench', $2)`, [orgId, randomBytes(32)])
  const users = await make(USERS, id => db.query('insert into users (id, name, email) values ($1, $2, $2)', [id, `${id}@bench.test`]))
  const projects = await make(PROJECTS, id => db.query('insert into projects (id, org_id, name) values ($1, $2, $3)', [id, orgId, `Project ${id.slice(-4)}`]))
  const keys = await make(KEYS, id => db.query(`insert into api_keys (id, org_id, name, key_prefix, key_hash, scopes) values ($1, $2, $3, 'p', $3, '{inference}')`, [id, orgId, id]))
  const now = new Date()
  const first = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - months + 1, 1))
  await ensureTracePartitions(db, months, first)
  const indexes = await takeIndexes(db)
  for (let month = 0; month < months; month++) {
    const from = new Date(Date.UTC(first.getUTCFullYear(), first.getUTCMonth() + month, 1))
    const to = new Date(Math.min(Date.UTC(first.getUTCFullYear(), first.getUTCMonth() + month + 1, 1), now.getTime()))
    const startedAt = performance.now()
    const share = Math.round(count / months)
    await db.transaction(async (query) => {
      await query('set local synchronous_commit = off')
      await query(INSERT, [share, from, to, orgId, keys, users, projects])
      await query(`with ${addToHours(`(select *, status_code < 400 as charged from traces where created_at >= '${from.toISOString()}' and created_at < '${to.toISOString()}') as made`)} select`)
    })
    told(`${from.toISOString().slice(0, 7)}: ${share} traces in ${((performance.now() - startedAt) / 1000).toFixed(1)} s`)
  }
  told('Building the indexes of traces')
  for (const definition of indexes) await db.query(definition)
  await db.transaction(async (query) => {
    await query('analyze traces')
    await query('analyze usage_hourly')
    await query('analyze usage_hourly_totals')
  })
  const [userId = '', projectId = ''] = [users[0], projects[0]]
  return { orgId, apiKeyIds: keys, userId, projectId }
}

/** Drops the indexes of traces and returns how they are made: built at the end, they take a third of the time. */
async function takeIndexes(db: Pick<Database, 'query'>): Promise<string[]> {
  const rows = await db.query(`select indexname as name, indexdef as definition from pg_indexes where tablename = 'traces' and indexname <> 'traces_pkey'`)
  const indexes = rows.map(row => z.object({ name: z.string(), definition: z.string() }).parse(row))
  for (const { name } of indexes) await db.query(`drop index ${name}`)
  // "Only" would leave the partitions without.
  return indexes.map(({ definition }) => definition.replace(' ON ONLY ', ' ON '))
}

/** What an earlier run has left in the database; undefined where there is nothing. */
export async function findGenerated(db: Pick<Database, 'query'>): Promise<Generated | undefined> {
  const [org] = await db.query(`select id as "orgId" from orgs where slug = 'bench'`)
  if (!org) return undefined
  const { orgId } = z.object({ orgId: z.string() }).parse(org)
  const [made] = await db.query(
    `select array(select id from api_keys where org_id = $1 order by id) as "apiKeyIds", (select min(id::text) from projects where org_id = $1) as "projectId", (select min(id::text) from users) as "userId"`, [orgId]
  )
  return z.object({ apiKeyIds: z.array(z.string()), projectId: z.string(), userId: z.string() }).transform(rest => ({ orgId, ...rest })).parse(made)
}

async function make(count: number, insert: (id: string) => Promise<unknown>): Promise<string[]> {
  const ids = Array.from({ length: count }, () => uuidv7())
  for (const id of ids) await insert(id)
  return ids
}

/** `dice` is the same for the same row at every run; ids begin with their time, as UUIDv7 do. */
const INSERT = `
insert into traces (id, created_at, org_id, project_id, api_key_id, user_id, conversation_id, endpoint, requested_model, model, provider, status_code, error_type, is_stream, cache, attempts,
  latency_ms, ttfb_ms, gateway_overhead_ms, input_tokens, output_tokens, cost, tags)
select (lpad(to_hex((extract(epoch from at) * 1000)::bigint), 12, '0') || '7' || substr(md5(n::text), 1, 3) || '8' || substr(md5(n::text), 4, 15))::uuid,
       at, $4::uuid, ($7::uuid[])[1 + k % ${PROJECTS}], ($5::uuid[])[1 + k], ($6::uuid[])[1 + k % ${USERS}],
       case when dice % 50 = 0 then md5((n / 500)::text)::uuid end, 'chat.completions', 'model-' || m, 'model-' || m, case when m < 6 then 'openai' when m < 11 then 'anthropic' else 'google' end,
       case when dice % 100 = 7 then 502 when dice % 1000 = 11 then 429 else 200 end, case when dice % 100 = 7 then 'upstream_error' end, dice % 2 = 0, case when dice % 20 = 3 then 'hit' else 'none' end, '[]',
       200 + dice % 3000 + case when dice % 2000 = 5 then 20000 else 0 end, 80 + dice % 400, 0.5 + (dice % 100) / 40.0, 50 + dice % 2000, 10 + dice % 700,
       case when dice % 100 = 7 then 0 else 1000 * (50 + dice % 2000) + case when dice % 5000 = 9 then 200000000 else 0 end end,
       case when dice % 3000 = 13 then '{"team": "search"}'::jsonb else '{}' end
  from (select n, $2::timestamptz + ($3::timestamptz - $2::timestamptz) * (n / ($1::float8 + 1)) as at, abs(hashint8(n)) as dice, (abs(hashint8(n + 7)) % ${KEYS})::int as k from generate_series(1, $1::bigint) as n) as calls,
       lateral (select (k + dice % 3) % 12 as m) as models`
