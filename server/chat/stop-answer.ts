import type { Database } from '../../db/client'
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
  const answer = findRunningAnswer(scope.orgId, conversationId)
  if (answer) {
    answer.stop('stopped')
    await whenSettled(SETTLED_WITHIN_MS, answer)
  } else {
    await db.notify(CHANNEL, `${scope.orgId} ${conversationId}`)
  }
  return { stopped: true }
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
