import { and, eq, isNull, ne } from 'drizzle-orm'
import type { Orm } from '../../db/client'
import { providerConnections } from '../../db/schema'
import { LoomError } from '../errors'

/**
 * Of two at once the database's unique index stops the second; this says it in words to everyone else.
 * @throws {LoomError} `conflict` when the owner has another connection of this name
 */
export async function requireFreeName(transaction: Orm, row: { id: string, orgId: string | null }, name: string): Promise<void> {
  const owner = row.orgId === null ? isNull(providerConnections.orgId) : eq(providerConnections.orgId, row.orgId)
  const taken = await transaction.select({ id: providerConnections.id }).from(providerConnections).where(and(owner, eq(providerConnections.name, name), ne(providerConnections.id, row.id)))
  if (taken.length > 0) throw new LoomError('conflict', `There is a connection named ${name} already.`, { param: 'name' })
}
