import { and, eq, isNull, or, sql } from 'drizzle-orm'
import { files } from '../../db/schema'
import type { Runtime } from '../runtime'

/** How long what was taken away can be brought back. */
const REMOVED_DAYS = 7
/** How long a draft may wait with its files. */
const UNSENT_DAYS = 90
const BATCH = 100

/**
 * Deletes files, of every org, that were removed a while ago or uploaded and never used. The row goes first: bytes without one are only waste, a
 * row without bytes would be a broken promise. Safe on several replicas at once.
 */
export async function sweepFiles({ db: { orm }, fileStore }: Pick<Runtime, 'db' | 'fileStore'>): Promise<void> {
  const isOver = or(
    sql`${files.removedAt} < now() - ${REMOVED_DAYS} * interval '1 day'`,
    and(eq(files.inProject, false), sql`${files.createdAt} < now() - ${UNSENT_DAYS} * interval '1 day'`)
  )
  for (let swept = BATCH; swept === BATCH;) {
    const over = orm.select({ id: files.id }).from(files).where(and(isNull(files.sentAt), isOver)).limit(BATCH).for('update', { skipLocked: true })
    const rows = await orm.delete(files).where(sql`${files.id} in (${over})`).returning({ storageKey: files.storageKey })
    for (const { storageKey } of rows) await fileStore.remove(storageKey)
    swept = rows.length
  }
}
