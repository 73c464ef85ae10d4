import type { Orm } from '../../db/client'
import type { Scope } from '../projects/scope'
import type { Message } from '../../shared/messages'
import { listMessages } from './list-messages'

/**
 * The newest message of the conversation; undefined when it has none.
 * @throws {LoomError} `not_found` when the scope has no such conversation
 */
export async function findLastMessage(orm: Orm, scope: Scope, conversationId: string): Promise<Message | undefined> {
  const { messages } = await listMessages(orm, scope, conversationId, { limit: 1 })
  return messages[0]
}
