import type { Database } from '../../db/client'
import { isAbandoned } from './claim-key'

/** Claims this process took and has not settled yet, by request id. */
interface OwnClaims { replicaId: string, replicaTimeoutMs: number, open: ReadonlySet<string> }

/**
 * Forgets answers whose time has passed, and claims nobody will settle: those of processes that are gone, and our own that we do not
 * know of, for the connection broke between their commit and the news of it.
 */
export async function sweepClaims(db: Pick<Database, 'query'>, { replicaId, replicaTimeoutMs, open }: OwnClaims): Promise<void> {
  await db.query('delete from idempotency_keys where expires_at < now()')
  await db.query(
    `delete from idempotency_keys k
      where head is null
        and (k.replica = $2::uuid and k.created_at < now() - make_interval(secs => $1::float8 / 1000) and not k.request_id = any($3::uuid[])
          or k.replica is distinct from $2::uuid and ${isAbandoned('$1')})`,
    [replicaTimeoutMs, replicaId, [...open]]
  )
}

/** Gives one claim back: its call came to nothing. */
export async function releaseClaim(db: Pick<Database, 'query'>, requestId: string): Promise<void> {
  await db.query('delete from idempotency_keys where request_id = $1 and head is null', [requestId])
}
