import { hostname } from 'node:os'
import type { Database } from '../../db/client'

/** Announces this process, so that what it holds is known to be alive. */
export async function registerReplica(db: Database, id: string, version: string): Promise<void> {
  // The embedded database belongs to one process alone: whoever was registered before is gone.
  if (db.kind === 'embedded') await db.query('delete from replicas')
  await db.query('insert into replicas (id, hostname, version) values ($1, $2, $3)', [id, hostname(), version])
}

/** Registers again if another replica thought this one dead and removed it. */
export async function beat(db: Database, id: string, version: string): Promise<void> {
  await db.query(
    `insert into replicas (id, hostname, version) values ($1, $2, $3)
     on conflict (id) do update set heartbeat_at = now()`,
    [id, hostname(), version]
  )
}

export async function unregisterReplica(db: Database, id: string): Promise<void> {
  await db.query('delete from replicas where id = $1', [id])
}

/** Forgets replicas that have been silent for a day; their holds are settled long since. */
export async function forgetReplicas(db: Database): Promise<void> {
  await db.query(`delete from replicas where heartbeat_at < now() - interval '1 day'`)
}
