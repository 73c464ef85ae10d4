import type { Database } from '../../db/client'
import type { BudgetPeriod, PolicyScope } from '../../shared/policy'

/** A budget's window, as its row names it. */
export interface BudgetWindowRow {
  id: string
  /** null for the platform's. */
  orgId: string | null
  scope: PolicyScope
  subjectId: string
  period: BudgetPeriod
  startsAtMs: number
}

/** Makes the rows of windows that have none yet; any number of replicas may at once. Ordered, so that two never wait for each other. */
export async function openWindows(db: Pick<Database, 'query'>, windows: readonly BudgetWindowRow[]): Promise<void> {
  const rows = windows.map(({ id, orgId, scope, subjectId, period, startsAtMs }) => ({ id, org_id: orgId, scope, subject_id: subjectId, period, starts_at: new Date(startsAtMs) }))
  await db.query(
    `insert into budget_windows (id, org_id, scope, subject_id, period, starts_at)
     select id, org_id, scope, subject_id, period, starts_at
       from jsonb_to_recordset($1::text::jsonb) as r(id uuid, org_id uuid, scope text, subject_id uuid, period text, starts_at timestamptz)
      order by id on conflict (id) do nothing`,
    [JSON.stringify(rows)]
  )
}
