import { and, desc, eq, ilike, isNotNull, isNull, lt, or, sql } from 'drizzle-orm'
import type { SQL } from 'drizzle-orm'
import { z } from 'zod'
import type { Orm } from '../../db/client'
import { orgs, wallets } from '../../db/schema'
import type { PlatformOrgPage, PlatformOrgQuery } from '../../shared/platform'
import { walletFields } from '../billing/lock-wallet'
import { LoomError } from '../errors'
import { versionOf } from '../versions/version-of'

const PAGE = 50

/** Every org of the installation, the newest first, by keyset over its id. For platform admins alone. */
export async function listOrgs(orm: Orm, { search, state, cursor }: PlatformOrgQuery): Promise<PlatformOrgPage> {
  const rows = await orm
    .select({
      org: orgs, wallet: wallets,
      members: sql<string>`(select count(*) from org_members m where m.org_id = ${orgs.id})`,
      activeKeys: sql<string>`(select count(*) from api_keys k where k.org_id = ${orgs.id} and k.status = 'active')`
    })
    .from(orgs)
    .innerJoin(wallets, eq(wallets.orgId, orgs.id))
    .where(and(
      search ? or(ilike(orgs.name, containing(search)), ilike(orgs.slug, containing(search))) : undefined,
      inState(state),
      cursor === undefined ? undefined : lt(orgs.id, readCursor(cursor))
    ))
    .orderBy(desc(orgs.id))
    .limit(PAGE + 1)
  const items = rows.slice(0, PAGE).map(({ org, wallet, members, activeKeys }) => ({
    id: org.id, name: org.name, slug: org.slug, state: org.deletedAt ? 'deleted' as const : org.status,
    createdAt: org.createdAt.toISOString(), deletedAt: org.deletedAt?.toISOString() ?? null,
    members: Number(members), activeKeys: Number(activeKeys), wallet: wallet.mode, markupBasisPoints: wallet.markupBasisPoints, cacheHitBasisPoints: wallet.cacheHitBasisPoints,
    walletVersion: versionOf(walletFields(wallet)), balanceNanoUsd: wallet.balance.toString()
  }))
  return { items, nextCursor: rows.length > PAGE ? items.at(-1)?.id ?? null : null }
}

/** A pattern of `like` in which what somebody typed is only text. */
export const containing = (text: string) => `%${text.replaceAll(/[\\%_]/g, character => `\\${character}`)}%`

const Cursor = z.uuid()

/** @throws {LoomError} `invalid_request` for what is no cursor of ours */
export function readCursor(cursor: string): string {
  const parsed = Cursor.safeParse(cursor)
  if (!parsed.success) throw new LoomError('invalid_request', 'The cursor is not valid. Start again without it.', { param: 'cursor' })
  return parsed.data
}

function inState(state: PlatformOrgQuery['state']): SQL | undefined {
  if (state === undefined) return undefined
  return state === 'deleted' ? isNotNull(orgs.deletedAt) : and(isNull(orgs.deletedAt), eq(orgs.status, state))
}
