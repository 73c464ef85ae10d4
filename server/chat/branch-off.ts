import { sql } from 'drizzle-orm'
import { v7 as uuidv7 } from 'uuid'
import { conversations, messages } from '../../db/schema'
import type { Principal } from '../identity/principal'
import type { Runtime } from '../runtime'
import type { BranchOff, Conversation } from '../../shared/conversations'
import { copyMessages } from './copy-messages'
import { findMessage } from './find-message'
import { getConversation } from './get-conversation'
import { BRANCH_MESSAGES_MAX, branchIds } from './select-messages'
import { summariseThread } from './summarise-thread'

/**
 * A conversation of the caller's that goes on from a message of another one: with the thread down to there, or with a summary of it in its
 * system prompt, for which a model is asked. The caller is charged for that call as for an answer.
 * @throws {LoomError} `not_found`; for a summary also whatever the call is refused with
 */
export async function branchOff(runtime: Runtime, caller: Principal, conversationId: string, messageId: string, { summary, model }: BranchOff): Promise<Conversation> {
  const { orm } = runtime.db
  await findMessage(orm, caller, conversationId, messageId)
  const from = await getConversation(orm, caller, conversationId)
  const systemPrompt = summary ? await summariseThread(runtime, caller, from, messageId, model) : from.systemPrompt
  const id = uuidv7()
  await orm.transaction(async (tx) => {
    await tx.insert(conversations).values({
      id, orgId: caller.orgId, projectId: from.projectId, userId: caller.userId, title: `${from.title || 'Untitled'} (${summary ? 'continued' : 'branch'})`.slice(-200),
      model: model ?? from.model, systemPrompt, parameters: from.parameters, tools: from.tools
    })
    if (summary) return
    const which = sql`${messages.id} = any(${branchIds(caller.orgId, sql`${messageId}::uuid`, BRANCH_MESSAGES_MAX)})`
    await copyMessages(tx, caller.orgId, { from: conversationId, to: id, which, shownMessageId: messageId })
  })
  return getConversation(orm, caller, id)
}
