import { z } from 'zod'
import type { Database } from '../../db/client'
import type { Scope } from '../projects/scope'
import type { DecideTool } from '../../shared/answers'
import { DecideTool as Decision } from '../../shared/answers'
import { getConversation } from './get-conversation'
import { findRunningAnswer } from './running-answers'

const CHANNEL = 'loom_tool_decisions'
const Notice = Decision.extend({ orgId: z.string(), conversationId: z.string() })

/**
 * Answers a call that asks whether it may run, on whichever replica it waits. What does not wait any more is left alone.
 * @throws {LoomError} `not_found` when the scope has no such conversation
 */
export async function decideTool(db: Database, scope: Scope, conversationId: string, decision: DecideTool): Promise<void> {
  await getConversation(db.orm, scope, conversationId)
  const answer = findRunningAnswer(scope.orgId, conversationId)
  if (answer) answer.approvals.decide(decision.toolCallId, decision.decision)
  else await db.notify(CHANNEL, JSON.stringify({ ...decision, orgId: scope.orgId, conversationId }))
}

/** Hears what was decided on other replicas; to be called once, at start. */
export async function listenForDecisions(db: Database): Promise<void> {
  await db.listen(CHANNEL, (payload) => {
    const { orgId, conversationId, toolCallId, decision } = Notice.parse(JSON.parse(payload))
    findRunningAnswer(orgId, conversationId)?.approvals.decide(toolCallId, decision)
  })
}
