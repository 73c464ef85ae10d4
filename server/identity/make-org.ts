import { randomBytes } from 'node:crypto'
import { v7 as uuidv7 } from 'uuid'
import type { Orm } from '../../db/client'
import { orgMembers, orgs, projects, wallets } from '../../db/schema'
import type { walletModes } from '../../shared/billing'

export type WalletMode = typeof walletModes[number]

const SALT_BYTES = 32

interface OrgToMake {
  name: string
  /** What its slug is made of. */
  slugFrom: string
  ownerId: string
  walletMode: WalletMode
}

/** An org with its owner, a first project and an empty wallet; its id. Needs a transaction, so that no half of one remains. */
export async function makeOrg(transaction: Orm, { name, slugFrom, ownerId, walletMode }: OrgToMake): Promise<string> {
  const orgId = uuidv7()
  await transaction.insert(orgs).values({ id: orgId, name, slug: toSlug(slugFrom), encryptionSalt: randomBytes(SALT_BYTES) })
  await transaction.insert(orgMembers).values({ orgId, userId: ownerId, role: 'owner' })
  await transaction.insert(projects).values({ orgId, name: 'General', createdBy: ownerId })
  await transaction.insert(wallets).values({ orgId, mode: walletMode })
  return orgId
}

/** A readable slug; its random end keeps it unique, however many people share a name. */
function toSlug(name: string): string {
  const readable = name.normalize('NFKD').toLowerCase().replace(/[^a-z0-9]+/g, '-').replace(/^-+|-+$/g, '').slice(0, 40)
  return `${readable || 'workspace'}-${randomBytes(4).toString('hex')}`
}
