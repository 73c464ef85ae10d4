import { and, eq, gt, isNull } from 'drizzle-orm'
import { v7 as uuidv7 } from 'uuid'
import type { Orm } from '../../db/client'
import { orgInvitations, orgMembers, users } from '../../db/schema'
import type { CreateInvitation, CreatedInvitation } from '../../shared/identity'
import { recordChange } from '../audit/record'
import type { Author } from '../audit/record'
import { requireRoom } from '../audit/require-room'
import { LoomError } from '../errors'
import { generateInvitationToken, hashInvitationToken } from './invitation-token'
import { keepAsMember } from './keep-members'
import { requirePerson, requireRole } from './principal'
import { revokeInvitationsOf } from './revoke-invitation'

const VALID_DAYS = 7
const MAX_OPEN = 500

/**
 * Invites an e-mail address into the author's org, with at most the author's role; replaces an earlier invitation of the same
 * address. The token is in the answer and nowhere else. `appUrl` is where the link leads.
 * @throws {LoomError} `forbidden` for a role above the author's, when theirs has just changed, and for an API key; `conflict` when the address is in the org already, or as many are invited as may be
 */
export async function createInvitation(orm: Orm, author: Author, input: CreateInvitation, appUrl: string): Promise<CreatedInvitation> {
  const { orgId, userId } = author.principal
  requirePerson(author.principal)
  requireRole(author.principal, input.role)
  const token = generateInvitationToken()
  const createdAt = new Date()
  const expiresAt = new Date(createdAt.getTime() + VALID_DAYS * 24 * 60 * 60 * 1000)
  const id = uuidv7()
  const invitedBy = await orm.transaction(async (transaction) => {
    await keepAsMember(transaction, author.principal)
    await requireNoMember(transaction, orgId, input.email)
    await revokeInvitationsOf(transaction, author, input.email)
    await transaction.insert(orgInvitations).values({ id, orgId, email: input.email, role: input.role, tokenHash: hashInvitationToken(token), invitedBy: userId, expiresAt, createdAt })
    await recordChange(transaction, author, { action: 'invitation.create', target: `invitation:${id}`, after: { email: input.email, role: input.role } })
    await requireRoom(transaction, orgInvitations, and(eq(orgInvitations.orgId, orgId), isNull(orgInvitations.acceptedAt), gt(orgInvitations.expiresAt, createdAt)), MAX_OPEN, 'open invitations')
    const [inviter] = await transaction.select({ name: users.name }).from(users).where(eq(users.id, userId))
    return inviter?.name ?? ''
  })
  return {
    id, email: input.email, role: input.role, invitedBy, createdAt: createdAt.toISOString(), expiresAt: expiresAt.toISOString(), token,
    url: new URL(`/invite/${token}`, appUrl).href
  }
}

async function requireNoMember(transaction: Orm, orgId: string, email: string): Promise<void> {
  const members = await transaction
    .select({ id: orgMembers.id })
    .from(orgMembers)
    .innerJoin(users, eq(users.id, orgMembers.userId))
    .where(and(eq(orgMembers.orgId, orgId), eq(users.email, email)))
  if (members.length > 0) throw new LoomError('conflict', 'This person is a member already.', { param: 'email' })
}
