import { and, ilike, lt, or, sql } from 'drizzle-orm'
import type { SQL } from 'drizzle-orm'
import type { Orm } from '../../db/client'
import { apiKeys } from '../../db/schema'
import type { KeyPage, KeyQuery } from '../../shared/keys'
import { KEY_PREFIX } from '../../shared/keys'
import type { Principal } from '../identity/principal'
import { containsPattern } from '../projects/list-cursor'
import { hasStatus } from './has-status'
import { visibleKeys } from './key-visibility'
import { selectKeys } from './select-keys'

/** The keys that the principal may see, revoked ones too, newest first (ids are time-ordered), a page after the `cursor`: the last page costs what the first does. */
export async function listKeys(orm: Orm, principal: Principal, { search, status, limit, cursor }: KeyQuery): Promise<KeyPage> {
  const found = await selectKeys(orm, principal, and(
    visibleKeys(principal),
    search ? isCalled(search) : undefined,
    status && hasStatus(status),
    cursor ? lt(apiKeys.id, cursor) : undefined
  ), limit + 1)
  const keys = found.slice(0, limit)
  return { keys, nextCursor: found.length > limit ? keys.at(-1)?.id ?? null : null }
}

/** By its name or by those of its shown characters that are its own: how all begin tells none from another. */
function isCalled(search: string): SQL | undefined {
  const own = search.startsWith(KEY_PREFIX) ? search.slice(KEY_PREFIX.length) : search
  return or(ilike(apiKeys.name, containsPattern(search)), ilike(sql`substr(${apiKeys.keyPrefix}, ${KEY_PREFIX.length + 1})`, containsPattern(own)))
}
