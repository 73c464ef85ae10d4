import { and, eq } from 'drizzle-orm'
import type { Orm } from '../../db/client'
import { messages } from '../../db/schema'
import type { Scope } from '../projects/scope'
import type { ChatEvent, FollowQuery } from '../../shared/chat-events'
import { nextSignOf } from './answer-signals'
import type { NumberedEvent } from './event-log'
import { findLastMessage } from './find-last-message'
import { getConversation } from './get-conversation'
import { endEvent, readAnswer } from './read-answer'
import { readEvents } from './read-events'
import type { RunningAnswer } from './running-answers'
import { findRunningAnswer } from './running-answers'
import { findRunning, isRunning } from './select-messages'

/** How long an answer that another replica writes is waited for without a sign of it: its process may be gone. */
const LOOK_UP_MS = 2_000

const stopping = new AbortController()

/** Sends away who follows what another replica writes, and whoever asks from now on: this process stops, and they go on there. */
export function stopFollowing(): void {
  stopping.abort()
}

/** Calls back with an answer's events; resolves after the one that ends it, once `signal` says that nobody reads on, or where it has to be followed on another replica. */
export type AnswerEvents = (emit: (item: NumberedEvent) => void, signal: AbortSignal) => Promise<void>

/**
 * The events of the conversation's running answer, else of its last one: those after `after`, when the reader has seen that much of this
 * very message, otherwise all there is of it first. Undefined when its last message is no answer.
 * @throws {LoomError} `not_found` when the scope has no such conversation
 */
export async function followAnswer(orm: Orm, scope: Scope, conversationId: string, { after, message }: FollowQuery): Promise<AnswerEvents | undefined> {
  const { runningMessageId } = await getConversation(orm, scope, conversationId)
  const messageId = runningMessageId ?? await findLastAnswer(orm, scope, conversationId)
  if (messageId === undefined) return undefined
  const seen = message === undefined || message === messageId ? after : 0
  const answer = findRunningAnswer(scope.orgId, conversationId)
  return answer ? followRunning(answer, seen) : followStored(orm, scope.orgId, messageId, seen)
}

async function findLastAnswer(orm: Orm, scope: Scope, conversationId: string): Promise<string | undefined> {
  const last = await findLastMessage(orm, scope, conversationId)
  return last?.role === 'assistant' ? last.id : undefined
}

/**
 * The events of an answer that this process writes, after the one numbered `after`.
 * @param opening that event, for a reader who has not seen it
 */
export function followRunning(answer: RunningAnswer, after: number, opening?: ChatEvent): AnswerEvents {
  return async (emit, signal) => {
    const missed = after > 0 ? answer.since(after) : undefined
    if (!missed) emit({ id: answer.lastId, event: { type: 'snapshot', message: answer.message } })
    else if (opening) emit({ id: after, event: opening })
    missed?.forEach(emit)
    if (answer.ended) {
      if (!missed?.length) emit({ id: answer.lastId, event: answer.ended })
      return
    }
    await new Promise<void>((resolve) => {
      const unwatch = answer.watch((item) => {
        emit(item)
        if (item.event === answer.ended) leave()
      })
      const leave = () => {
        unwatch()
        signal.removeEventListener('abort', leave)
        resolve()
      }
      signal.addEventListener('abort', leave)
      if (signal.aborted) leave()
    })
  }
}

/** Another replica writes it, or nobody any more: its log is read on at each sign of more. */
function followStored(orm: Orm, orgId: string, messageId: string, after: number): AnswerEvents {
  return async (emit, signal) => {
    let last = after
    const pass = (item: NumberedEvent) => {
      emit(item)
      last = item.id
    }
    const end = AbortSignal.any([signal, stopping.signal])
    while (!end.aborted) {
      // Waited for from before the look, so that nothing slips in between.
      const more = nextSignOf(messageId, LOOK_UP_MS, end)
      const events = last > 0 ? await readEvents(orm, orgId, messageId, last) : await snapshotOf(orm, orgId, messageId)
      events.forEach(pass)
      if (events.length === 0 && !await isAnswerRunning(orm, orgId, messageId)) return emit({ id: last + 1, event: endEvent(await readAnswer(orm, orgId, messageId)) })
      await more
    }
  }
}

/** Nothing of an answer that has ended. */
async function snapshotOf(orm: Orm, orgId: string, messageId: string): Promise<NumberedEvent[]> {
  const running = await findRunning(orm, orgId, messageId)
  return running ? [{ id: running.lastId, event: { type: 'snapshot', message: running.message } }] : []
}

async function isAnswerRunning(orm: Orm, orgId: string, messageId: string): Promise<boolean> {
  const [message] = await orm.select({ status: messages.status }).from(messages).where(and(eq(messages.orgId, orgId), eq(messages.id, messageId)))
  return message !== undefined && isRunning(message)
}
