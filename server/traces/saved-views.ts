import { and, asc, eq } from 'drizzle-orm'
import type { Orm } from '../../db/client'
import { savedViews } from '../../db/schema'
import type { SavedView, SaveView } from '../../shared/traces'
import { LoomError } from '../errors'
import type { Principal } from '../identity/principal'

const MOST = 50
const columns = { id: savedViews.id, name: savedViews.name, query: savedViews.query }

/** The filters that the principal's user has kept in this org, by name. */
export function listViews(orm: Orm, principal: Principal): Promise<SavedView[]> {
  return orm.select(columns).from(savedViews).where(isOf(principal)).orderBy(asc(savedViews.name)).limit(MOST)
}

/**
 * Keeps one; of the same name there is one, the last.
 * @throws {LoomError} `conflict` when the user has as many as are listed
 */
export async function saveView(orm: Orm, principal: Principal, { name, query }: SaveView): Promise<SavedView> {
  const views = await listViews(orm, principal)
  if (views.length >= MOST && !views.some(view => view.name === name)) throw new LoomError('conflict', `You have ${MOST} saved views. Delete one first.`)
  const [view] = await orm.insert(savedViews).values({ orgId: principal.orgId, userId: principal.userId, name, query })
    .onConflictDoUpdate({ target: [savedViews.orgId, savedViews.userId, savedViews.name], set: { query, updatedAt: new Date() } })
    .returning(columns)
  if (!view) throw new Error('A saved view was neither inserted nor updated')
  return view
}

/** @throws {LoomError} `not_found` for one that is not the user's own */
export async function deleteView(orm: Orm, principal: Principal, id: string): Promise<void> {
  const deleted = await orm.delete(savedViews).where(and(isOf(principal), eq(savedViews.id, id))).returning({ id: savedViews.id })
  if (deleted.length === 0) throw new LoomError('not_found', 'There is no saved view with this id.')
}

function isOf({ orgId, userId }: Principal) {
  return and(eq(savedViews.orgId, orgId), eq(savedViews.userId, userId))
}
