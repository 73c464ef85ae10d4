import { eq, sql } from 'drizzle-orm'
import type { Orm } from '../../db/client'
import { orgs } from '../../db/schema'
import { LoomError } from '../errors'

/**
 * An org about to be changed as a whole, locked until the transaction ends.
 * @throws {LoomError} `not_found`
 */
export async function lockOrg(transaction: Orm, orgId: string): Promise<typeof orgs.$inferSelect> {
  const [org] = await transaction.select().from(orgs).where(eq(orgs.id, orgId)).for('no key update')
  if (!org) throw new LoomError('not_found', 'There is no organisation with this id.')
  return org
}

/** With the org's id: nothing may go on in it. */
export const CLOSED_CHANNEL = 'loom_org_closed'

/** Tells every replica that who may use the org has changed: keys are forgotten, and with `closed` its running answers are stopped. */
export async function notifyOrg(transaction: Orm, orgId: string, closed: boolean): Promise<void> {
  await transaction.execute(sql`select pg_notify('loom_orgs', ${orgId})`)
  if (closed) await transaction.execute(sql`select pg_notify(${CLOSED_CHANNEL}, ${orgId})`)
}

/** @throws {LoomError} `conflict` for the org the author is in: they would lock themselves out */
export function requireElsewhere(author: { principal: { orgId: string } }, orgId: string): void {
  if (author.principal.orgId === orgId) throw new LoomError('conflict', 'You are in this organisation. Switch to another one first.')
}
