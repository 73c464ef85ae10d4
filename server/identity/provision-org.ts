import { eq } from 'drizzle-orm'
import type { Orm } from '../../db/client'
import { orgMembers, users } from '../../db/schema'
import { recordSystemChange } from '../audit/record'
import { findMemberships } from './find-memberships'
import { makeOrg } from './make-org'
import type { WalletMode } from './make-org'

/**
 * Gives a user an org of their own, with a first project and an empty wallet, unless they are in an org already; a platform admin also
 * when every org they are in is closed, so that nobody is left without a way to open it.
 * Idempotent, also when called twice at once. Runs in its own transaction, or as part of the one it is given.
 */
export async function provisionOrg(orm: Orm, userId: string, walletMode: WalletMode): Promise<void> {
  await orm.transaction(async (transaction) => {
    const [user] = await transaction.select({ name: users.name, role: users.role }).from(users).where(eq(users.id, userId)).for('update')
    if (!user) return
    const [membership] = await transaction.select({ id: orgMembers.id }).from(orgMembers).where(eq(orgMembers.userId, userId)).limit(1)
    if (membership && (user.role !== 'admin' || (await findMemberships(transaction, userId)).length > 0)) return
    const orgId = await makeOrg(transaction, { name: `${user.name}'s workspace`, slugFrom: user.name, ownerId: userId, walletMode })
    await recordSystemChange(transaction, orgId, { action: 'org.create', target: `org:${orgId}`, after: { owner: userId, wallet: walletMode } })
  })
}
