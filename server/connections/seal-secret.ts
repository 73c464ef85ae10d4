import { eq } from 'drizzle-orm'
import type { Orm } from '../../db/client'
import { orgs } from '../../db/schema'
import { secretContext } from '../catalog/open-connection'
import { CURRENT_KEY_VERSION, seal } from '../crypto/envelope'
import type { Keyring } from '../crypto/keyring'

interface SealedSecret {
  secret: Buffer | null
  secretIv: Buffer | null
  encryptionKeyVersion: number | null
}

/** The columns a connection's secret is stored in, sealed for its owner and its row alone. */
export async function sealSecret(transaction: Orm, keyring: Keyring, row: { id: string, orgId: string | null }, secret: string | null): Promise<SealedSecret> {
  if (secret === null) return { secret: null, secretIv: null, encryptionKeyVersion: null }
  const key = row.orgId === null ? keyring.forPlatform() : keyring.forOrg(row.orgId, await readSalt(transaction, row.orgId))
  const { data, iv } = seal(key, secretContext(row.orgId, row.id), Buffer.from(secret))
  return { secret: data, secretIv: iv, encryptionKeyVersion: CURRENT_KEY_VERSION }
}

/** Held until the secret is stored: the org's key must not be another by then. */
async function readSalt(transaction: Orm, orgId: string): Promise<Buffer> {
  const [org] = await transaction.select({ salt: orgs.encryptionSalt }).from(orgs).where(eq(orgs.id, orgId)).for('share')
  if (!org) throw new Error('The organisation whose secret is to be sealed does not exist')
  return org.salt
}
