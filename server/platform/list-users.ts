import { and, desc, ilike, lt, or, sql } from 'drizzle-orm'
import type { Orm } from '../../db/client'
import { users } from '../../db/schema'
import type { PlatformUserPage, PlatformUserQuery } from '../../shared/platform'
import { versionOf } from '../versions/version-of'
import { containing, readCursor } from './list-orgs'

const PAGE = 50

/** What of a user platform admins change. */
export function userFields({ role, deactivatedAt }: typeof users.$inferSelect) {
  return { active: deactivatedAt === null, role }
}

/** Everybody with an account, the newest first, by keyset over the id. For platform admins alone. */
export async function listUsers(orm: Orm, { search, cursor }: PlatformUserQuery): Promise<PlatformUserPage> {
  const rows = await orm
    .select({ user: users, orgs: sql<string>`(select count(*) from org_members m where m.user_id = users.id)` })
    .from(users)
    .where(and(
      search ? or(ilike(users.name, containing(search)), ilike(users.email, containing(search))) : undefined,
      cursor === undefined ? undefined : lt(users.id, readCursor(cursor))
    ))
    .orderBy(desc(users.id))
    .limit(PAGE + 1)
  const items = rows.slice(0, PAGE).map(({ user, orgs }) => ({
    id: user.id, name: user.name, email: user.email, platformAdmin: user.role === 'admin', active: user.deactivatedAt === null, twoFactor: user.twoFactorEnabled,
    orgs: Number(orgs), lastLoginAt: user.lastLoginAt?.toISOString() ?? null, createdAt: user.createdAt.toISOString(), version: versionOf(userFields(user))
  }))
  return { items, nextCursor: rows.length > PAGE ? items.at(-1)?.id ?? null : null }
}
