import { hashPassword } from 'better-auth/crypto'
import { and, eq, isNull } from 'drizzle-orm'
import type { Orm } from '../../db/client'
import { orgInvitations, orgMembers, users } from '../../db/schema'
import { recordChange } from '../audit/record'
import { LoomError } from '../errors'
import { createUser } from './create-user'
import { findOpenInvitation } from './find-open-invitation'
import type { OpenInvitation } from './find-open-invitation'
import { keepMembers } from './keep-members'
import type { WalletMode } from './make-org'

/**
 * Lets a user who is signed in into the org they were invited to; the org's id.
 * @throws {LoomError} `not_found` when the link is not valid (any more), `forbidden` when it was meant for another address
 */
export async function acceptInvitation(orm: Orm, token: string, { userId, ip }: { userId: string, ip: string | null }): Promise<string> {
  return orm.transaction(async (transaction) => {
    const invitation = await claim(transaction, token)
    const [user] = await transaction.select({ email: users.email }).from(users).where(eq(users.id, userId))
    if (user?.email !== invitation.email) throw new LoomError('forbidden', 'This invitation is for another e-mail address. Sign in with that one.')
    await join(transaction, invitation, userId, ip)
    return invitation.orgId
  })
}

interface Newcomer {
  name: string
  password: string
  ip: string | null
  /** Of the org of their own. */
  walletMode: WalletMode
}

interface Joined {
  userId: string
  email: string
  orgId: string
}

/**
 * Makes an account for the invited address and lets it into the org.
 * @throws {LoomError} `not_found` when the link is not valid (any more), `conflict` when the address has an account: its owner must sign in
 */
export async function signUpInvited(orm: Orm, token: string, newcomer: Newcomer): Promise<Joined> {
  await findOpenInvitation(orm, token)
  const passwordHash = await hashPassword(newcomer.password)
  return orm.transaction(async (transaction) => {
    const invitation = await claim(transaction, token)
    const userId = await createUser(transaction, { name: newcomer.name, email: invitation.email, passwordHash, role: 'user', walletMode: newcomer.walletMode })
    await join(transaction, invitation, userId, newcomer.ip)
    return { userId, email: invitation.email, orgId: invitation.orgId }
  })
}

/** Marks the invitation accepted first, so that of two at once one finds it gone. */
async function claim(transaction: Orm, token: string): Promise<OpenInvitation> {
  const invitation = await findOpenInvitation(transaction, token)
  await keepMembers(transaction, invitation.orgId)
  const claimed = await transaction
    .update(orgInvitations)
    .set({ acceptedAt: new Date() })
    .where(and(eq(orgInvitations.id, invitation.id), isNull(orgInvitations.acceptedAt)))
    .returning({ id: orgInvitations.id })
  if (claimed.length === 0) throw new LoomError('not_found', 'This invitation is not valid any more. Ask for a new one.')
  return invitation
}

async function join(transaction: Orm, { id, orgId, role }: OpenInvitation, userId: string, ip: string | null): Promise<void> {
  // Someone already in keeps the role they have.
  const joined = await transaction.insert(orgMembers).values({ orgId, userId, role }).onConflictDoNothing().returning({ userId: orgMembers.userId })
  if (joined.length === 0) return
  const principal = { kind: 'session', userId, orgId, role, platformAdmin: false, projectId: null, keyId: null, ip } as const
  await recordChange(transaction, { principal, ip }, { action: 'member.join', target: `user:${userId}`, after: { role, invitation: id } })
}
