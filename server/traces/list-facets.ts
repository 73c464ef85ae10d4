import { sql } from 'drizzle-orm'
import { z } from 'zod'
import type { Database } from '../../db/client'
import { usageHourly } from '../../db/schema'
import type { TraceFacets } from '../../shared/traces'
import { hoursOf } from '../analytics/hours-of'
import { NONE } from '../analytics/roll-up'
import { projectsNamedTo } from '../projects/scope'
import type { Reader } from '../projects/scope'

const DAYS = 30
/** Values of each kind; who looks for a rarer one names it. */
const MOST = 100

const Row = z.object({ kind: z.enum(['model', 'provider', 'project', 'key', 'user', 'status']), value: z.string(), name: z.string().nullable(), requests: z.coerce.number() })
const Rows = z.array(Row)
const Result = z.object({ rows: z.array(z.unknown()) })

/** What the calls of the last 30 days can be told apart by. Reads hourly totals alone, once: there are far fewer combinations than rows. */
export async function listFacets({ orm }: Pick<Database, 'orm'>, reader: Reader): Promise<TraceFacets> {
  const { orgId, projectId } = reader
  const result: unknown = await orm.execute(sql`
    with combined as materialized (
      select model, provider, project_id, api_key_id, user_id, status_code, sum(requests) as requests
        from ${hoursOf(orgId, usageHourly, ['org_id', 'hour', 'model', 'provider', 'project_id', 'api_key_id', 'user_id', 'status_code', 'requests'])}
       where org_id = ${orgId} and hour >= now() - make_interval(days => ${DAYS}) and (${projectId}::uuid is null or project_id = ${projectId}::uuid)
       group by 1, 2, 3, 4, 5, 6
    ), summed as (
      select case grouping(model, provider, project_id, api_key_id, user_id, status_code) when 31 then 'model' when 47 then 'provider' when 55 then 'project' when 59 then 'key' when 61 then 'user' else 'status' end as kind,
             coalesce(model, provider, project_id::text, api_key_id::text, user_id::text, status_code::text) as value, sum(requests)::bigint as requests
        from combined
       group by grouping sets ((model), (provider), (project_id), (api_key_id), (user_id), (status_code))
    ), ranked as (
      select *, row_number() over (partition by kind order by requests desc, value) as place from summed where value not in ('', ${NONE})
    )
    select r.kind, r.value, coalesce(projects.name, k.name, u.name) as name, r.requests::text as requests
      from ranked r
      left join projects on r.kind = 'project' and projects.id::text = r.value and ${projectsNamedTo(reader)}
      left join api_keys k on r.kind = 'key' and k.org_id = ${orgId} and k.id::text = r.value
      left join users u on r.kind = 'user' and u.id::text = r.value
     where r.place <= ${MOST} order by r.kind, r.place`)
  const rows = rowsOf(result)
  const of = (kind: z.infer<typeof Row>['kind']) => rows.filter(row => row.kind === kind).map(({ value, name, requests }) => ({ value, name, requests }))
  return { model: of('model'), provider: of('provider'), project: of('project'), key: of('key'), user: of('user'), status: of('status') }
}

/** One driver answers with the rows, the other with an object that holds them. */
function rowsOf(result: unknown) {
  return Rows.parse(Array.isArray(result) ? [...result] : Result.parse(result).rows)
}
