import { and, eq, notInArray, sql } from 'drizzle-orm'
import type { Database, Orm } from '../../db/client'
import { conversations, messages } from '../../db/schema'
import type { MessagePart } from '../../shared/messages'
import { dropEvents } from './read-events'
import { runningAnswers } from './running-answers'
import { selectMessages } from './select-messages'
import { storeParts } from './store-parts'

const MESSAGE = 'The server stopped while it wrote this answer. Retry it.'

/**
 * Settles the answers of processes that are gone (no heartbeat for `replicaTimeoutMs`) as errors of the type `interrupted`; what
 * they had logged stays. Covers every org. Safe on several replicas at once.
 * @returns how many it settled
 */
export async function settleInterrupted(db: Database, replicaTimeoutMs: number): Promise<number> {
  const own = runningAnswers().map(answer => answer.message.id)
  return db.orm.transaction(async (tx) => {
    const orphans = await tx.select({ id: messages.id, orgId: messages.orgId }).from(messages)
      .where(and(
        sql`${messages.status} in ('pending', 'streaming')`,
        // A process that slept (a closed laptop) may run this before its own heartbeat.
        own.length === 0 ? undefined : notInArray(messages.id, own),
        sql`not exists (select 1 from replicas where replicas.id = ${messages.replica} and replicas.heartbeat_at > now() - ${replicaTimeoutMs} * interval '1 millisecond')`
      ))
      .for('update', { skipLocked: true })
    for (const { id, orgId } of orphans) await settle(tx, orgId, id)
    return orphans.length
  })
}

async function settle(tx: Orm, orgId: string, messageId: string): Promise<void> {
  const [answer] = await selectMessages(tx, orgId, [messageId])
  const at = new Date().toJSON()
  const said = (answer?.parts ?? []).map((part): MessagePart => ({ ...part, completedAt: part.completedAt ?? at }))
  await storeParts(tx, orgId, messageId, [...said, { type: 'error', index: said.length, code: 'interrupted', text: MESSAGE, startedAt: at, completedAt: at }])
  await dropEvents(tx, orgId, [messageId])
  const [settled] = await tx.update(messages)
    .set({ status: 'error', errorType: 'interrupted', error: MESSAGE })
    .where(and(eq(messages.orgId, orgId), eq(messages.id, messageId)))
    .returning({ conversationId: messages.conversationId })
  // As after every answer, so that whoever looks at the list is told.
  if (settled) await tx.update(conversations).set({ lastActiveAt: sql`now()` }).where(and(eq(conversations.orgId, orgId), eq(conversations.id, settled.conversationId)))
}
