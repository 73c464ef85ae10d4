import { eq } from 'drizzle-orm'
import { v7 as uuidv7 } from 'uuid'
import type { Orm } from '../../db/client'
import { providerConnections } from '../../db/schema'
import type { Connection, CreateConnection } from '../../shared/connections'
import { recordChange } from '../audit/record'
import type { Author } from '../audit/record'
import { requireRoom } from '../audit/require-room'
import type { Keyring } from '../crypto/keyring'
import { LoomError } from '../errors'
import { checkConnection } from './check-connection'
import { notifyCatalog } from './notify-catalog'
import { requireFreeName } from './require-free-name'
import { sealSecret } from './seal-secret'
import { toConnection } from './to-connection'

const MAX_CONNECTIONS = 100

/**
 * Makes a connection of the author's org, or of the whole platform.
 * @throws {LoomError} `invalid_request`, `forbidden`, or `conflict` when the name is taken, or the org has as many as it may
 */
export async function createConnection(orm: Orm, keyring: Keyring, author: Author, { platform, secret, ...input }: CreateConnection): Promise<Connection> {
  const { principal } = author
  if (platform && !principal.platformAdmin) throw new LoomError('forbidden', 'Only platform admins connect a provider for every organisation.')
  checkConnection(principal, input)
  const owner = { id: uuidv7(), orgId: platform ? null : principal.orgId }
  return orm.transaction(async (transaction) => {
    await requireFreeName(transaction, owner, input.name)
    const sealed = await sealSecret(transaction, keyring, owner, secret)
    const [row] = await transaction.insert(providerConnections).values({ ...owner, ...input, ...sealed }).returning()
    if (!row) throw new Error('The connection just written was not returned')
    await recordChange(transaction, author, { action: 'connection.create', target: `connection:${owner.id}`, after: { ...input, platform, hasSecret: secret !== null } })
    if (owner.orgId !== null) await requireRoom(transaction, providerConnections, eq(providerConnections.orgId, owner.orgId), MAX_CONNECTIONS, 'connections')
    await notifyCatalog(transaction, owner.orgId)
    return toConnection(principal, row)
  })
}
