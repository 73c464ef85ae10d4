import { eq } from 'drizzle-orm'
import type { Orm } from '../../db/client'
import { providerConnections } from '../../db/schema'
import { recordChange } from '../audit/record'
import type { Author } from '../audit/record'
import { lockConnection } from './lock-connection'
import { notifyCatalog } from './notify-catalog'

/**
 * Deletes a connection, its secret, and the route targets that lead to it.
 * @throws {LoomError} `not_found` or `forbidden`
 */
export async function deleteConnection(orm: Orm, author: Author, connectionId: string): Promise<void> {
  await orm.transaction(async (transaction) => {
    const row = await lockConnection(transaction, author.principal, connectionId)
    await transaction.delete(providerConnections).where(eq(providerConnections.id, row.id))
    await recordChange(transaction, author, { action: 'connection.delete', target: `connection:${row.id}`, before: { kind: row.kind, name: row.name, platform: row.orgId === null } })
    await notifyCatalog(transaction, row.orgId)
  })
}
