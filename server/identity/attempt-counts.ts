import { createHash } from 'node:crypto'
import { eq, lt, sql } from 'drizzle-orm'
import type { Orm } from '../../db/client'
import { attemptCounts } from '../../db/schema'

export interface AttemptWindow {
  max: number
  seconds: number
}

interface Attempt {
  allowed: boolean
  /** Until the window ends and counting begins anew. */
  secondsLeft: number
}

/** What names hold (e-mail addresses, network addresses) is nobody's to read in a backup. */
const hash = (name: string) => createHash('sha256').update(name).digest('hex')

/** Counts one more attempt of that name, over all replicas and by the database's clock; of many at once no more than `max` are allowed. */
export async function countAttempt(orm: Orm, name: string, { max, seconds }: AttemptWindow): Promise<Attempt> {
  const endsAt = sql`now() + make_interval(secs => ${seconds}::int)`
  const [row] = await orm
    .insert(attemptCounts)
    .values({ name: hash(name), count: 1, endsAt })
    .onConflictDoUpdate({
      target: attemptCounts.name,
      set: {
        count: sql`case when ${attemptCounts.endsAt} <= now() then 1 else ${attemptCounts.count} + 1 end`,
        endsAt: sql`case when ${attemptCounts.endsAt} <= now() then ${endsAt} else ${attemptCounts.endsAt} end`
      }
    })
    .returning({ count: attemptCounts.count, secondsLeft: sql<string>`extract(epoch from ${attemptCounts.endsAt} - now())` })
  if (!row) throw new Error('The attempt just counted was not returned')
  return { allowed: row.count <= max, secondsLeft: Math.max(0, Number(row.secondsLeft)) }
}

/** Takes one attempt back. */
export async function forgetAttempt(orm: Orm, name: string): Promise<void> {
  await orm.update(attemptCounts).set({ count: sql`greatest(0, ${attemptCounts.count} - 1)` }).where(eq(attemptCounts.name, hash(name)))
}

/** Begins anew for that name. */
export async function forgetAttempts(orm: Orm, name: string): Promise<void> {
  await orm.delete(attemptCounts).where(eq(attemptCounts.name, hash(name)))
}

/** Deletes what has ended; called now and then. */
export async function sweepAttempts(orm: Orm): Promise<void> {
  await orm.delete(attemptCounts).where(lt(attemptCounts.endsAt, sql`now()`))
}
