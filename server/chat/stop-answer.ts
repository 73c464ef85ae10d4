import { and, eq, sql } from 'drizzle-orm'
import type { Database } from '../../db/client'
import { conversations, messages } from '../../db/schema'
import type { Scope } from '../projects/scope'
import type { StopResult } from '../../shared/answers'
import { getConversation } from './get-conversation'
import { CLOSED_CHANNEL } from '../platform/lock-org'
import { findRunningAnswer, runningAnswers, whenSettled } from './running-answers'

const CHANNEL = 'loom_stop_answer'
/** How long a stop waits for the answer to be settled, so that the next message can follow at once. */
const SETTLED_WITHIN_MS = 3_000

/**
 * Stops the conversation's running answer, on whichever replica it is; what it has so far stays.
 * @throws {LoomError} `not_found` when the scope has no such conversation
 */
export async function stopAnswer(db: Database, scope: Scope, conversationId: string): Promise<StopResult> {
  const { runningMessageId } = await getConversation(db.orm, scope, conversationId)
  if (runningMessageId === null) return { stopped: false }
  await stopRunning(db, scope.orgId, conversationId)
  return { stopped: true }
}

/** Stops all answers of a project that was deleted: nobody can see them any more, or stop them. */
export async function stopAnswersIn(db: Database, orgId: string, projectId: string): Promise<void> {
  const running = await db.orm.select({ conversationId: messages.conversationId }).from(messages)
    .innerJoin(conversations, and(eq(conversations.id, messages.conversationId), eq(conversations.orgId, orgId)))
    .where(and(eq(messages.orgId, orgId), eq(conversations.projectId, projectId), sql`${messages.status} in ('pending', 'streaming')`))
  await Promise.all(running.map(({ conversationId }) => stopRunning(db, orgId, conversationId)))
}

async function stopRunning(db: Database, orgId: string, conversationId: string): Promise<void> {
  const answer = findRunningAnswer(orgId, conversationId)
  if (!answer) return db.notify(CHANNEL, `${orgId} ${conversationId}`)
  answer.stop('stopped')
  await whenSettled(SETTLED_WITHIN_MS, answer)
}

/** Obeys the stops that other replicas ask for, and those of orgs that are closed; to be called once, at start. */
export async function listenForStops(db: Database): Promise<void> {
  await db.listen(CHANNEL, (payload) => {
    const [orgId = '', conversationId = ''] = payload.split(' ')
    findRunningAnswer(orgId, conversationId)?.stop('stopped')
  })
  await db.listen(CLOSED_CHANNEL, (orgId) => {
    for (const answer of runningAnswers()) if (answer.orgId === orgId) answer.stop('stopped')
  })
}
