import { z } from 'zod'
import type { Database } from '../../db/client'
import type { Statement, StatementLine } from '../../shared/billing'
import { LoomError } from '../errors'
import { findTimeZone } from '../identity/get-org'
import { dateIn, findWindow } from '../policy/budget-window'
import { findProjectNames } from '../projects/find-project-names'
import type { Reader } from '../projects/scope'

const DAY_MS = 86_400_000

const amount = z.coerce.bigint()
const Line = z.object({ calls: z.coerce.number(), input_tokens: z.coerce.number(), output_tokens: z.coerce.number(), charged: amount, topped_up: amount, refunded: amount, adjusted: amount })
type Line = z.infer<typeof Line>
const Group = Line.extend({
  by: z.enum(['day', 'model', 'key', 'project', 'all']),
  day: z.string().nullable(),
  provider: z.string().nullable(),
  model: z.string().nullable(),
  api_key_id: z.string().nullable(),
  key_name: z.string().nullable(),
  project_id: z.string().nullable()
})
const Balances = z.object({ opening: amount, held: z.coerce.number() })

/**
 * The statement of the reader's org of a calendar month in its time zone. A transaction belongs to the moment it was made, so a call that spans
 * midnight is charged to the day it began. Read in one transaction, so from one state of the ledger: the sums are exact.
 * @param month `2026-11`
 * @throws {LoomError} `not_found` for a month that has not begun
 */
export async function getStatement(db: Pick<Database, 'transaction' | 'orm'>, reader: Reader, month: string): Promise<Statement> {
  const statement = await sumMonth(db, reader.orgId, month)
  const names = await findProjectNames(db.orm, reader, statement.byProject.flatMap(({ projectId }) => projectId ?? []))
  return { ...statement, byProject: statement.byProject.map(line => ({ ...line, name: names.get(line.projectId ?? '') ?? null })) }
}

/** The statement, its projects without names. */
async function sumMonth(db: Pick<Database, 'transaction'>, orgId: string, month: string): Promise<Statement> {
  return db.transaction(async (query) => {
    await query('set transaction isolation level repeatable read, read only')
    const timeZone = findTimeZone((await query('select settings from orgs where id = $1', [orgId]))[0]?.settings)
    // The database is given moments alone: its time zones are not Node's, by name or, for an offset, by sign.
    const { startsAtMs, endsAtMs } = findWindow('month', Date.parse(`${month}-15T12:00:00Z`), timeZone)
    const [lower, upper] = [new Date(startsAtMs), new Date(endsAtMs)]
    if (startsAtMs > Date.now()) throw new LoomError('not_found', 'This month has not begun yet.')
    const days = listDays(startsAtMs, endsAtMs, timeZone)
    const range = [orgId, idsSince(lower), lower, upper]
    const { opening, held } = Balances.parse((await query(BALANCES, range))[0])
    const groups = (await query(GROUPS, [...range, days.map(({ startsAt }) => startsAt), days.map(({ name }) => name)])).map(row => Group.parse(row))
    const of = (by: Group['by']) => groups.filter(group => group.by === by)
    const totals = of('all')[0] ?? nothing
    return {
      month,
      timeZone,
      from: lower.toISOString(),
      to: upper.toISOString(),
      // A call has no row of its own before it ends, so a month is only over when its last calls surely are.
      final: endsAtMs <= Date.now() - DAY_MS && held === 0,
      openingBalanceNanoUsd: opening.toString(),
      closingBalanceNanoUsd: (opening + totals.topped_up + totals.refunded + totals.adjusted - totals.charged).toString(),
      totals: toLine(totals),
      byDay: of('day').map(group => ({ day: group.day ?? '', ...toLine(group) })),
      byModel: of('model').map(group => ({ provider: group.provider, model: group.model, ...toLine(group) })),
      byKey: of('key').map(group => ({ apiKeyId: group.api_key_id, name: group.key_name, ...toLine(group) })),
      byProject: of('project').map(group => ({ projectId: group.project_id, name: null, ...toLine(group) }))
    }
  })
}

type Group = z.infer<typeof Group>

const nothing: Line = { calls: 0, input_tokens: 0, output_tokens: 0, charged: 0n, topped_up: 0n, refunded: 0n, adjusted: 0n }

function toLine(line: Line): StatementLine {
  return {
    calls: line.calls,
    inputTokens: line.input_tokens,
    outputTokens: line.output_tokens,
    chargedNanoUsd: line.charged.toString(),
    toppedUpNanoUsd: line.topped_up.toString(),
    refundedNanoUsd: line.refunded.toString(),
    adjustedNanoUsd: line.adjusted.toString()
  }
}

/** The days of a month in a time zone, which are longer or shorter where its clock is changed. */
function listDays(fromMs: number, toMs: number, timeZone: string): { startsAt: string, name: string }[] {
  const days = []
  for (let at = fromMs; at < toMs; at = findWindow('day', at, timeZone).endsAtMs) days.push({ startsAt: new Date(at).toISOString(), name: dateIn(timeZone, at) })
  return days
}

/** The least id a transaction made since then can have: ids begin with their time. A day less, for clocks that differ. */
function idsSince(moment: Date): string {
  const hex = Math.max(moment.getTime() - DAY_MS, 0).toString(16).padStart(12, '0')
  return `${hex.slice(0, 8)}-${hex.slice(8)}-7000-8000-000000000000`
}

// The balance is what was posted less what was captured, so what it was then is what it is now less what came since.
const BALANCES = `
select (w.balance - coalesce(sum(case t.status when 'posted' then t.amount when 'captured' then -t.captured end), 0))::bigint as opening,
       count(*) filter (where t.status = 'held' and t.created_at < $4::timestamptz) as held
  from wallets w left join transactions t on t.org_id = w.org_id and t.id >= $2::uuid and t.created_at >= $3::timestamptz
 where w.org_id = $1
 group by w.org_id`

// A refund counts where its charge did.
const GROUPS = `
with moved as (
  select t.type, t.amount, t.captured, ($6::text[])[width_bucket(t.created_at, $5::timestamptz[])] as day, coalesce(c.api_key_id, t.api_key_id) as api_key_id,
         u.provider, u.model, u.project_id, case when t.type = 'charge' then u.input_tokens end as input_tokens, case when t.type = 'charge' then u.output_tokens end as output_tokens
    from transactions t
    left join transactions c on c.id = t.charge_id and c.org_id = t.org_id
    left join usage_records u on u.org_id = t.org_id
     and u.id = case when coalesce(c.ref_id, t.ref_id) like 'loom:late:%' then substr(coalesce(c.ref_id, t.ref_id), 11)::uuid else coalesce(c.id, t.id) end
   where t.org_id = $1 and t.id >= $2::uuid and t.created_at >= $3::timestamptz and t.created_at < $4::timestamptz and t.status in ('posted', 'captured')
), summed as (
  select case grouping(day, model, api_key_id, project_id) when 7 then 'day' when 11 then 'model' when 13 then 'key' when 14 then 'project' else 'all' end as by,
         day, provider, model, api_key_id, project_id,
         count(*) filter (where type = 'charge') as calls,
         coalesce(sum(input_tokens), 0)::bigint as input_tokens,
         coalesce(sum(output_tokens), 0)::bigint as output_tokens,
         coalesce(sum(captured) filter (where type = 'charge'), 0)::bigint as charged,
         coalesce(sum(amount) filter (where type = 'topup'), 0)::bigint as topped_up,
         coalesce(sum(amount) filter (where type = 'refund'), 0)::bigint as refunded,
         coalesce(sum(amount) filter (where type = 'adjustment'), 0)::bigint as adjusted
    from moved group by grouping sets ((day), (provider, model), (api_key_id), (project_id), ())
)
select s.*, k.name as key_name
  from summed s
  left join api_keys k on k.id = s.api_key_id and k.org_id = $1
 order by s.day, s.charged desc, s.model, s.api_key_id, s.project_id`
