import { and, asc, eq, gte, notInArray, sql } from 'drizzle-orm'
import type { Database, Orm } from '../../db/client'
import { conversations, messages, usageRecords } from '../../db/schema'
import type { MessagePart } from '../../shared/messages'
import { isRowFault } from '../gateway/row-fault'
import { addToTotals } from './add-to-totals'
import { dropEvents } from './read-events'
import { runningAnswers } from './running-answers'
import { selectMessages } from './select-messages'
import { storeParts } from './store-parts'

const MESSAGE = 'The server stopped while it wrote this answer. Retry it.'

/**
 * Settles the answers of processes that are gone (no heartbeat for `replicaTimeoutMs`) as errors of the type `interrupted`; what
 * they had logged stays, and what the calls before a tool's were charged counts. Covers every org. Safe on several replicas at once.
 * @param refused told of each whose parts the database would refuse for ever: it is settled without them, for it must not keep the others waiting
 * @returns how many it settled
 */
export async function settleInterrupted(db: Database, replicaTimeoutMs: number, refused: (error: unknown, context: { orgId: string, messageId: string }) => void): Promise<number> {
  const own = runningAnswers().map(answer => answer.message.id)
  return db.orm.transaction(async (tx) => {
    const orphans = await tx.select({ id: messages.id, orgId: messages.orgId }).from(messages)
      .innerJoin(conversations, eq(conversations.id, messages.conversationId))
      .where(and(
        sql`${messages.status} in ('pending', 'streaming')`,
        // A process that slept (a closed laptop) may run this before its own heartbeat.
        own.length === 0 ? undefined : notInArray(messages.id, own),
        sql`not exists (select 1 from replicas where replicas.id = ${messages.replica} and replicas.heartbeat_at > now() - ${replicaTimeoutMs} * interval '1 millisecond')`
      ))
      // Its conversation too, and without waiting: an answer that begins there has that locked, and waits for this one. The next round settles it.
      .for('no key update', { of: [conversations, messages], skipLocked: true })
    for (const { id: messageId, orgId } of orphans) {
      try {
        const [answer] = await selectMessages(tx, orgId, [messageId])
        await tx.transaction(savepoint => settle(savepoint, orgId, messageId, answer?.parts ?? []))
      } catch (error) {
        if (!isRowFault(error)) throw error
        refused(error, { orgId, messageId })
        await settle(tx, orgId, messageId, [])
      }
    }
    return orphans.length
  })
}

async function settle(tx: Orm, orgId: string, messageId: string, parts: readonly MessagePart[]): Promise<void> {
  const at = new Date().toJSON()
  const said = parts.map((part): MessagePart => ({ ...part, completedAt: part.completedAt ?? at }))
  await storeParts(tx, orgId, messageId, [...said, { type: 'error', index: said.length, code: 'interrupted', text: MESSAGE, startedAt: at, completedAt: at }])
  await dropEvents(tx, orgId, [messageId])
  const charged = await readCharged(tx, orgId, messageId)
  const [settled] = await tx.update(messages)
    .set({ status: 'error', errorType: 'interrupted', error: MESSAGE, ...(charged && { ...charged.usage, provider: charged.provider, model: charged.model, cost: charged.costNanoUsd, traceId: charged.traceId }) })
    .where(and(eq(messages.orgId, orgId), eq(messages.id, messageId)))
    .returning({ conversationId: messages.conversationId })
  if (settled) await addToTotals(tx, orgId, settled.conversationId, charged, said)
}

/** What the ledger has of an answer's calls, those together, and where the newest went; undefined where it was charged nothing. */
async function readCharged(tx: Orm, orgId: string, messageId: string) {
  const records = await tx.select().from(usageRecords)
    // By the index of the org's newest; an hour for clocks that differ.
    .where(and(eq(usageRecords.orgId, orgId), eq(usageRecords.messageId, messageId), gte(usageRecords.createdAt, sql`(select created_at from messages where id = ${messageId}::uuid) - interval '1 hour'`)))
    .orderBy(asc(usageRecords.id))
  const newest = records.at(-1)
  if (!newest) return undefined
  const total = (count: (record: typeof usageRecords.$inferSelect) => number) => records.reduce((sum, record) => sum + count(record), 0)
  return {
    provider: newest.provider,
    model: newest.model,
    traceId: newest.id,
    costNanoUsd: records.reduce((sum, { cost }) => sum + cost, 0n),
    usage: {
      inputTokens: total(({ inputTokens }) => inputTokens),
      outputTokens: total(({ outputTokens }) => outputTokens),
      cachedInputTokens: total(({ cachedInputTokens }) => cachedInputTokens),
      reasoningTokens: total(({ reasoningTokens }) => reasoningTokens)
    }
  }
}
