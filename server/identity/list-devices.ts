import { and, desc, eq, gt, sql } from 'drizzle-orm'
import type { Orm } from '../../db/client'
import { authSessions } from '../../db/schema'
import type { SignedInDevices } from '../../shared/identity'

/** Where a user is signed in, the newest first. Never the tokens: whoever reads this page must not become them. */
export async function listDevices(orm: Orm, current: { id: string, userId: string }): Promise<SignedInDevices> {
  const sessions = await orm
    .select()
    .from(authSessions)
    .where(and(eq(authSessions.userId, current.userId), gt(authSessions.expiresAt, sql`now()`)))
    .orderBy(desc(authSessions.createdAt), desc(authSessions.id))
  return {
    devices: sessions.map(session => ({
      id: session.id,
      current: session.id === current.id,
      ip: session.ipAddress || null,
      userAgent: session.userAgent || null,
      signedInAt: session.createdAt.toISOString(),
      lastSeenAt: session.updatedAt.toISOString(),
      expiresAt: session.expiresAt.toISOString()
    }))
  }
}
