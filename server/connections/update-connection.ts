import { eq } from 'drizzle-orm'
import type { Orm } from '../../db/client'
import { providerConnections } from '../../db/schema'
import type { Connection, UpdateConnection } from '../../shared/connections'
import { recordChange } from '../audit/record'
import type { Author } from '../audit/record'
import type { Keyring } from '../crypto/keyring'
import { LoomError } from '../errors'
import { checkConnection } from './check-connection'
import { lockConnection } from './lock-connection'
import { notifyCatalog } from './notify-catalog'
import { requireFreeName } from './require-free-name'
import { sealSecret } from './seal-secret'
import { connectionFields, toConnection } from './to-connection'
import { requireVersion } from '../versions/require-version'

/**
 * Changes what `change` names; `secret: null` removes the secret.
 * @param version of the connection as the author saw it; undefined: whatever it is now
 * @throws {LoomError} `not_found`, `forbidden`, `conflict` (a taken name, or another version), or `invalid_request`, also when a stored secret would follow a new base URL
 */
export async function updateConnection(orm: Orm, keyring: Keyring, author: Author, connectionId: string, { secret, ...change }: UpdateConnection, version?: string): Promise<Connection> {
  const { principal } = author
  return orm.transaction(async (transaction) => {
    const row = await lockConnection(transaction, principal, connectionId)
    const before = connectionFields(row)
    await requireVersion(transaction, { orgId: row.orgId, target: `connection:${row.id}`, actions: ['connection.update'], fields: before, expected: version })
    const after = { ...before, ...change }
    checkConnection(principal, { kind: row.kind, ...after })
    if (after.baseUrl !== before.baseUrl && row.secret !== null && secret === undefined) {
      throw new LoomError('invalid_request', 'Enter the secret again: a new base URL would get it.', { param: 'secret' })
    }
    await requireFreeName(transaction, row, after.name)
    const sealed = secret === undefined ? {} : await sealSecret(transaction, keyring, row, secret)
    const [updated] = await transaction.update(providerConnections).set({ ...after, ...sealed }).where(eq(providerConnections.id, row.id)).returning()
    if (!updated) throw new Error('The connection just written was not returned')
    await recordChange(transaction, author, { action: 'connection.update', target: `connection:${row.id}`, before, after: { ...after, secretChanged: secret !== undefined } })
    await notifyCatalog(transaction, row.orgId)
    return toConnection(principal, updated)
  })
}
