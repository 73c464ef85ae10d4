import { and, eq } from 'drizzle-orm'
import type { Orm } from '../../db/client'
import { messageFeedback } from '../../db/schema'
import { LoomError } from '../errors'
import type { Scope } from '../projects/scope'
import type { GiveFeedback } from '../../shared/messages'
import { findMessage } from './find-message'

/**
 * Keeps what the caller thinks of an answer, in place of what they thought before; a null rating takes it back.
 * @throws {LoomError} `not_found`, `invalid_request` for a message that is no answer
 */
export async function giveFeedback(orm: Orm, scope: Scope, conversationId: string, messageId: string, { rating, comment }: GiveFeedback): Promise<void> {
  const { orgId, userId } = scope
  const { role } = await findMessage(orm, scope, conversationId, messageId)
  if (role !== 'assistant') throw new LoomError('invalid_request', 'Only an answer takes feedback.')
  if (rating === null) {
    await orm.delete(messageFeedback).where(and(eq(messageFeedback.orgId, orgId), eq(messageFeedback.messageId, messageId), eq(messageFeedback.userId, userId)))
    return
  }
  await orm.insert(messageFeedback).values({ orgId, messageId, userId, rating, comment })
    .onConflictDoUpdate({ target: [messageFeedback.messageId, messageFeedback.userId], set: { rating, comment, updatedAt: new Date() } })
}
