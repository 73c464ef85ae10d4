import { eq } from 'drizzle-orm'
import type { Orm } from '../../db/client'
import { providerConnections } from '../../db/schema'
import { recordChange } from '../audit/record'
import type { Author, Change } from '../audit/record'
import { deletePricesOf } from '../catalog/prices'
import { lockConnection } from './lock-connection'
import { notifyCatalog } from './notify-catalog'

/**
 * Deletes a connection, its secret, the route targets that lead to it, and the prices that hold over it alone.
 * @throws {LoomError} `not_found` or `forbidden`
 */
export async function deleteConnection(orm: Orm, author: Author, connectionId: string): Promise<void> {
  await orm.transaction(async (transaction) => {
    const row = await lockConnection(transaction, author.principal, connectionId)
    const changes = await deletePricesOf(transaction, row.id)
    await transaction.delete(providerConnections).where(eq(providerConnections.id, row.id))
    changes.push({ action: 'connection.delete', target: `connection:${row.id}`, before: { kind: row.kind, name: row.name, platform: row.orgId === null } })
    const orgOf = ({ orgId = author.principal.orgId }: Change) => orgId
    // Each log is locked until the end: in one order, so that two wait for no circle.
    for (const change of changes.sort((one, other) => orgOf(one).localeCompare(orgOf(other)))) await recordChange(transaction, author, change)
    await notifyCatalog(transaction, row.orgId)
  })
}
