import { z } from 'zod'
import type { Database } from '../../db/client'
import type { ConnectionHealthList } from '../../shared/connections'
import type { TargetHealth } from '../gateway/target-health'
import type { Principal } from '../identity/principal'
import { listConnections } from './list-connections'

const MINUTES = 30
/** The newest calls tell enough, and reading them costs the same however busy the org is. */
const MAX_CALLS = 2_000

const Row = z.object({ connection: z.string(), attempts: z.int(), failed: z.int() })

/** How the org's latest calls over each connection went, and what rests on this replica. */
export async function listHealth(db: Database, health: TargetHealth, principal: Principal): Promise<ConnectionHealthList> {
  const { connections } = await listConnections(db.orm, principal)
  const rows = await db.query(
    `select attempt->>'connection' as connection, count(*)::int as attempts, count(*) filter (where attempt->>'error' is not null and (attempt->>'status' is null or (attempt->>'status')::int = 429 or (attempt->>'status')::int >= 500 or (attempt->>'status')::int in (401, 403)))::int as failed
       from (select attempts from traces where org_id = $1 and created_at > now() - make_interval(mins => $2::int) order by created_at desc limit $3::int) t, jsonb_array_elements(t.attempts) attempt
      group by 1`,
    [principal.orgId, MINUTES, MAX_CALLS]
  )
  const counts = new Map(rows.map(row => Row.parse(row)).map(row => [row.connection, row]))
  const resting = health.resting()
  return {
    minutes: MINUTES,
    connections: connections.map(({ id, name }) => ({
      connectionId: id,
      attempts: counts.get(name)?.attempts ?? 0,
      failed: counts.get(name)?.failed ?? 0,
      restsMs: resting.find(({ orgId, connectionId }) => orgId === null && connectionId === id)?.waitMs ?? 0,
      restingModels: resting.flatMap(({ orgId, connectionId, model, waitMs }) => orgId === principal.orgId && connectionId === id && model !== null ? [{ model, restsMs: waitMs }] : [])
    }))
  }
}
