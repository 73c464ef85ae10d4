import { and, eq, gte, lt, sql } from 'drizzle-orm'
import type { Orm } from '../../db/client'
import { apiKeys, conversations, projects, traces, transactions, usageRecords, users } from '../../db/schema'
import type { TraceDetail } from '../../shared/traces'
import type { Author } from '../audit/record'
import { recordChange } from '../audit/record'
import { openConversations } from '../chat/select-conversations'
import type { Keyring } from '../crypto/keyring'
import { projectsNamedTo } from '../projects/scope'
import { getTrace } from './get-trace'

/**
 * One trace with what belongs to it: names, as far as the author may know them, and its line of the ledger. To have its bodies is an entry in the
 * audit log.
 * @throws {LoomError} `not_found`, the same for an unknown id and another org's
 */
export async function describeTrace(orm: Orm, keyring: Keyring, author: Author, id: string, withBodies: boolean): Promise<TraceDetail> {
  const { principal } = author
  const { orgId } = principal
  const trace = await getTrace(orm, keyring, principal, id, withBodies)
  const [names] = await orm
    .select({
      keyId: apiKeys.id, keyName: apiKeys.name, projectId: projects.id, projectName: projects.name, userId: users.id, userName: users.name,
      conversationId: conversations.id, conversationTitle: conversations.title, messageId: usageRecords.messageId,
      usageSource: usageRecords.usageSource, rawUsage: usageRecords.rawUsage, price: usageRecords.price
    })
    .from(traces)
    .leftJoin(apiKeys, and(eq(apiKeys.orgId, orgId), eq(apiKeys.id, traces.apiKeyId)))
    .leftJoin(projects, and(projectsNamedTo(principal), eq(projects.id, traces.projectId)))
    .leftJoin(users, eq(users.id, traces.userId))
    .leftJoin(conversations, and(openConversations(principal), eq(conversations.id, traces.conversationId)))
    .leftJoin(usageRecords, and(eq(usageRecords.orgId, orgId), eq(usageRecords.id, traces.id)))
    // Its month alone is looked into; the time was cut to the millisecond.
    .where(and(eq(traces.orgId, orgId), eq(traces.id, id), gte(traces.createdAt, new Date(trace.createdAt)), lt(traces.createdAt, new Date(Date.parse(trace.createdAt) + 1))))
  if (withBodies) await orm.transaction(transaction => recordChange(transaction, author, { action: 'trace.view', target: `trace:${id}` }))
  return {
    ...trace,
    key: named(names?.keyId, names?.keyName),
    project: named(names?.projectId, names?.projectName),
    user: named(names?.userId, names?.userName),
    conversation: named(names?.conversationId, names?.conversationTitle),
    messageId: names?.messageId ?? null,
    charge: names?.usageSource ? { ...await findCharge(orm, orgId, id), usageSource: names.usageSource, rawUsage: names.rawUsage, price: names.price } : null
  }
}

function named(id: string | null | undefined, name: string | null | undefined) {
  return id ? { id, name: name ?? '' } : null
}

/** The call's transaction; that of a late capture names the call in its ref. */
async function findCharge(orm: Orm, orgId: string, id: string) {
  const own = and(eq(transactions.orgId, orgId), eq(transactions.id, id), eq(transactions.status, 'captured'))
  const late = and(eq(transactions.orgId, orgId), eq(transactions.refId, `loom:late:${id}`), eq(transactions.status, 'captured'))
  const columns = {
    status: transactions.status, refId: transactions.refId, held: transactions.held, captured: transactions.captured,
    refunded: sql<string>`(select coalesce(sum(r.amount), 0)::bigint::text from transactions r where r.charge_id = ${sql.raw('"transactions"."id"')} and r.org_id = ${sql.raw('"transactions"."org_id"')})`
  }
  const [row] = [...await orm.select(columns).from(transactions).where(own), ...await orm.select(columns).from(transactions).where(late)]
  return { status: row?.status ?? 'gone', refId: row?.refId ?? '', heldNanoUsd: String(row?.held ?? 0n), capturedNanoUsd: String(row?.captured ?? 0n), refundedNanoUsd: row?.refunded ?? '0' }
}
