import type { Database } from '../../db/client'

/** Whether this process may do a job that one replica does in each `intervalMs`: true for the first that asks. The database's clock counts. */
export async function takeTurn(db: Pick<Database, 'query'>, job: string, intervalMs: number): Promise<boolean> {
  const rows = await db.query(
    `insert into platform_settings (name, value) values ($1, '{}'::jsonb)
     on conflict (name) do update set updated_at = now() where platform_settings.updated_at < now() - make_interval(secs => $2::float8 / 1000)
     returning name`,
    [`turn:${job}`, intervalMs]
  )
  return rows.length > 0
}
