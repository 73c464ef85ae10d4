import { randomBytes } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { and, eq, isNotNull, sql } from 'drizzle-orm'
import type { Orm } from '../../db/client'
import { orgs, providerConnections } from '../../db/schema'
import type { DataKeyDeleted, DeleteDataKey } from '../../shared/retention'
import { recordChange } from '../audit/record'
import type { Author } from '../audit/record'
import { secretContext } from '../catalog/open-connection'
import { notifyCatalog } from '../connections/notify-catalog'
import { open, seal } from '../crypto/envelope'
import type { Keyring } from '../crypto/keyring'
import { LoomError } from '../errors'
import { requireStillAdmin } from '../platform/require-still-admin'
import { requireSameRole } from './keep-members'

const SALT_BYTES = 32

/**
 * Deletes an org's data key (its salt): whatever was sealed with it, the bodies of all its traces so far, cannot be read again, by
 * anybody, from this moment on, on every replica. The org goes on with a fresh key; the secrets of its connections are carried over.
 * @throws {LoomError} `not_found`; `invalid_request` when the org's slug was not typed; `forbidden` when the author is no owner any more, nor platform admin
 */
export async function deleteDataKey(orm: Orm, keyring: Keyring, author: Author, orgId: string, { confirm }: DeleteDataKey): Promise<DataKeyDeleted> {
  return orm.transaction(async (transaction) => {
    // Nobody seals a connection's secret meanwhile: that takes a share of this lock.
    const [org] = await transaction.select().from(orgs).where(eq(orgs.id, orgId)).for('no key update')
    if (!org) throw new LoomError('not_found', 'There is no organisation with this id.')
    await (author.principal.platformAdmin ? requireStillAdmin : requireSameRole)(transaction, author.principal)
    if (confirm !== org.slug) throw new LoomError('invalid_request', `Type the organisation's slug, "${org.slug}", to confirm. Its traces' bodies cannot be read again afterwards.`, { param: 'confirm' })
    const salt = randomBytes(SALT_BYTES)
    const keyVersion = org.encryptionKeyVersion + 1
    const unreadableConnections = await carryOverSecrets(transaction, orgId, keyring.forOrg(orgId, org.encryptionSalt), keyring.forOrg(orgId, salt))
    await transaction.update(orgs).set({ encryptionSalt: salt, encryptionKeyVersion: keyVersion }).where(eq(orgs.id, orgId))
    await recordChange(transaction, author, {
      orgId, action: 'org.delete_data_key', target: `org:${orgId}`, before: { keyVersion: org.encryptionKeyVersion }, after: { keyVersion, unreadableConnections }
    })
    // Callers and derived keys are cached with the old salt.
    await transaction.execute(sql`select pg_notify('loom_orgs', ${orgId})`)
    await notifyCatalog(transaction, orgId)
    return { keyVersion, unreadableConnections }
  })
}

/** The names of connections whose secret could not be opened; those stay as they are. */
async function carryOverSecrets(transaction: Orm, orgId: string, oldKey: KeyObject, newKey: KeyObject): Promise<string[]> {
  const rows = await transaction.select().from(providerConnections).where(and(eq(providerConnections.orgId, orgId), isNotNull(providerConnections.secret))).for('update')
  const unreadable: string[] = []
  for (const { id, name, secret, secretIv } of rows) {
    const context = secretContext(orgId, id)
    const plain = secret && secretIv ? openOrUndefined(oldKey, context, { data: secret, iv: secretIv }) : undefined
    if (!plain) {
      unreadable.push(name)
      continue
    }
    const { data, iv } = seal(newKey, context, plain)
    await transaction.update(providerConnections).set({ secret: data, secretIv: iv }).where(and(eq(providerConnections.id, id), eq(providerConnections.orgId, orgId)))
  }
  return unreadable
}

function openOrUndefined(key: KeyObject, context: string, sealed: { data: Buffer, iv: Buffer }): Buffer | undefined {
  try {
    return open(key, context, sealed)
  } catch {
    // Sealed under another master key: it is told to whoever asked, by its connection's name.
    return undefined
  }
}
