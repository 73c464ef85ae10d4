import { createHash, randomBytes } from 'node:crypto'
import { eq } from 'drizzle-orm'
import { v7 as uuidv7 } from 'uuid'
import { tokenCost } from '../shared/money'
import type { Trace } from '../shared/traces'
import type { Database, Orm } from './client'
import { demoFailures, demoModels, demoProjects } from './demo-content'
import { ensureTracePartitions } from './ensure-trace-partitions'
import { apiKeys, conversations, messageParts, messages, orgMembers, orgs, projects, traces, transactions, usageRecords, users, wallets } from './schema'

const SLUG = 'acme-research'
const TOP_UP = 25_000_000_000n
const DAYS = 60
/** On the first day and on the last; at weekends a third of it. */
const CALLS_A_DAY = { first: 10, last: 34 }
const DAY_MS = 86_400_000

/** One call of the demo data: its trace, usage record and charge share its id and amount. */
interface DemoCall {
  id: string
  at: Date
  orgId: string
  projectId: string
  apiKeyId: string | null
  conversationId: string | null
  messageId: string | null
  provider: string
  model: string
  price: { source: string, inputPrice: string, outputPrice: string }
  inputTokens: number
  outputTokens: number
  cost: bigint
  latencyMs: number
  cache: 'none' | 'hit'
  /** A failed call costs nothing and leaves a trace alone. */
  failure: (typeof demoFailures)[number] | undefined
}

/**
 * Adds the demo org "Acme Research": projects, conversations, two months of calls, a wallet that adds up. Where the org
 * exists, nothing is added to it. Nobody can sign in as it; every platform admin becomes its owner.
 * @returns `deleted`: it is there, and refused everywhere until it is restored
 */
export async function seedDemoData(db: Database, now = new Date()): Promise<'added' | 'there' | 'deleted'> {
  const start = new Date(now.getTime() - DAYS * DAY_MS)
  await ensureTracePartitions(db, 2, start)
  return db.orm.transaction(async (orm) => {
    const created = await orm.insert(orgs).values({ name: 'Acme Research', slug: SLUG, encryptionSalt: randomBytes(32) }).onConflictDoNothing().returning({ id: orgs.id })
    const [org] = await orm.select({ id: orgs.id, deletedAt: orgs.deletedAt }).from(orgs).where(eq(orgs.slug, SLUG))
    if (!org) throw new Error('The demo org vanished while it was being seeded')
    const makerId = await inviteAdmins(orm, org.id)
    if (created.length === 0) return org.deletedAt ? 'deleted' : 'there'
    const calls: DemoCall[] = []
    for (const [index, project] of demoProjects.entries()) calls.push(...await addProject(orm, org.id, makerId, project, start, index))
    await addCalls(orm, org.id, calls.sort((a, b) => a.at.getTime() - b.at.getTime()), start)
    return 'added'
  })
}

/** @returns one of them, who stands for the maker of what the org has; undefined where there is none yet */
async function inviteAdmins(orm: Orm, orgId: string): Promise<string | undefined> {
  const admins = await orm.select({ id: users.id }).from(users).where(eq(users.role, 'admin'))
  if (admins.length === 0) return undefined
  await orm.insert(orgMembers).values(admins.map(({ id }) => ({ orgId, userId: id, role: 'owner' as const }))).onConflictDoNothing()
  return admins[0]?.id
}

async function addProject(orm: Orm, orgId: string, makerId: string | undefined, demo: (typeof demoProjects)[number], start: Date, index: number): Promise<DemoCall[]> {
  const { name, description, instructions } = demo
  const projectId = uuidv7({ msecs: start.getTime() + index })
  await orm.insert(projects).values({ id: projectId, orgId, name, description, instructions, createdAt: start })
  const calls: DemoCall[] = []
  for (const [place, conversation] of demo.conversations.entries()) {
    const at = new Date(start.getTime() + (DAYS - 6 + place + 2 * index) * DAY_MS)
    calls.push(...await addConversation(orm, orgId, projectId, conversation, at))
  }
  const apiKeyId = await addKey(orm, orgId, makerId, projectId, name, start)
  for (let day = 0; day < DAYS; day++) {
    for (let call = 0; call < callsOn(new Date(start.getTime() + day * DAY_MS), day); call++) {
      // The same figures at every seeding, though no day like another.
      const dice = createHash('sha256').update(`${name}:${day}:${call}`).digest()
      const at = new Date(start.getTime() + Math.floor((day + (dice.readUInt16BE(0) + dice.readUInt16BE(8)) / 131_072) * DAY_MS))
      calls.push(demoCall({ at, orgId, projectId, apiKeyId, inputTokens: 80 + dice.readUInt16BE(2) % 1_200, outputTokens: 20 + dice.readUInt16BE(4) % 600 }, dice))
    }
  }
  return calls
}

/** A key that nobody has: only its hash is stored, and it is the hash of nothing. */
async function addKey(orm: Orm, orgId: string, makerId: string | undefined, projectId: string, name: string, start: Date): Promise<string> {
  const id = uuidv7({ msecs: start.getTime() })
  await orm.insert(apiKeys).values({ id, orgId, projectId, name: `${name}, batch`, keyPrefix: 'loom_sk_demo', keyHash: randomBytes(32).toString('hex'), scopes: ['inference'], isService: true, createdBy: makerId, createdAt: start })
  return id
}

/** More from week to week, few at weekends. */
function callsOn(day: Date, index: number): number {
  const usual = CALLS_A_DAY.first + (CALLS_A_DAY.last - CALLS_A_DAY.first) * index / DAYS
  return Math.round(day.getUTCDay() % 6 === 0 ? usual / 3 : usual)
}

type DemoConversation = (typeof demoProjects)[number]['conversations'][number]

async function addConversation(orm: Orm, orgId: string, projectId: string, { title, turns }: DemoConversation, start: Date): Promise<DemoCall[]> {
  const conversationId = uuidv7({ msecs: start.getTime() })
  const answered = turns.map(([question, answer], turn) => {
    const at = new Date(start.getTime() + turn * 60_000)
    const ids = { questionId: uuidv7({ msecs: at.getTime() }), answerId: uuidv7({ msecs: at.getTime() + 1 }) }
    const tokens = { inputTokens: estimateTokens(turns.slice(0, turn + 1).flat().join()), outputTokens: estimateTokens(answer) }
    return { ...ids, at, question, answer, call: demoCall({ at, orgId, projectId, conversationId, messageId: ids.answerId, ...tokens }, ordinary) }
  })
  const calls = answered.map(({ call }) => call)
  const last = answered.at(-1)?.at ?? start
  await orm.insert(conversations).values({
    id: conversationId, orgId, projectId, title, provider: calls[0]?.provider, model: calls[0]?.model, createdAt: start, updatedAt: last, lastActiveAt: last, shownMessageId: answered.at(-1)?.answerId,
    inputTokens: sum(calls, call => call.inputTokens), outputTokens: sum(calls, call => call.outputTokens), cost: calls.reduce((total, { cost }) => total + cost, 0n)
  })
  for (const [turn, { questionId, answerId, at, question, answer, call }] of answered.entries()) {
    const { provider, model, inputTokens, outputTokens, cost, latencyMs } = call
    await orm.insert(messages).values([
      { id: questionId, orgId, conversationId, parentId: answered[turn - 1]?.answerId, role: 'user', status: 'complete', createdAt: at },
      { id: answerId, orgId, conversationId, parentId: questionId, role: 'assistant', status: 'complete', createdAt: at, provider, model, inputTokens, outputTokens, cachedInputTokens: 0, reasoningTokens: 0, cost, latencyMs, ttfbMs: Math.round(latencyMs / 4), traceId: call.id }
    ])
    await orm.insert(messageParts).values([[questionId, question], [answerId, answer]].map(([messageId = '', text]) => (
      { orgId, messageId, index: 0, type: 'text' as const, content: { text }, startedAt: at, completedAt: at }
    )))
  }
  return calls
}

/** Posts the top-up, then captures each call in order, as the gateway would have. */
async function addCalls(orm: Orm, orgId: string, calls: readonly DemoCall[], start: Date): Promise<void> {
  let balance = TOP_UP
  const charges = calls.filter(({ failure }) => !failure).map(({ id, at, cost }) => {
    balance -= cost
    return { id, orgId, refId: id, type: 'charge' as const, status: 'captured' as const, held: cost, captured: cost, balanceAfter: balance, createdAt: at, settledAt: at }
  })
  await orm.insert(wallets).values({ orgId, balance })
  await orm.insert(transactions).values({ orgId, refId: 'demo-top-up', type: 'topup', status: 'posted', amount: TOP_UP, balanceAfter: TOP_UP, actor: 'system', description: 'Demo credit', createdAt: start, settledAt: start })
  await orm.insert(transactions).values(charges)
  const answered = calls.filter(({ failure }) => !failure)
  await orm.insert(usageRecords).values(answered.map(({ at, latencyMs: _latencyMs, cache: _cache, failure: _failure, ...usage }) => ({ ...usage, createdAt: at, endpoint: endpointOf(usage), usageSource: 'estimated' as const })))
  await orm.insert(traces).values(calls.map(({ at, price: _price, messageId: _messageId, failure, ...trace }) => ({
    ...trace, createdAt: at, endpoint: endpointOf(trace), requestedModel: trace.model, statusCode: 200, isStream: trace.conversationId !== null, ...courseOf(trace, failure),
    ttfbMs: failure ? null : firstByteOf(trace), gatewayOverheadMs: 1, tags: { demo: 'true' }, ...failure
  })))
}

const firstByteOf = ({ latencyMs }: Pick<DemoCall, 'latencyMs'>) => Math.round(latencyMs / 4)

/** What a call passed on the road, and its one attempt: a cached answer needs none, and a failed one has no first byte. */
function courseOf({ provider, model, latencyMs, cache, ...call }: Pick<DemoCall, 'provider' | 'model' | 'latencyMs' | 'cache' | 'apiKeyId'>, failure: DemoCall['failure']): Pick<Trace, 'attempts' | 'steps'> {
  const own = { ...(call.apiKeyId && { auth: 0.15, read: 0.4 }), policy: 0.6, hold: 1.3 }
  const end = { end: latencyMs - 0.8, capture: latencyMs }
  if (cache === 'hit') return { attempts: [], steps: { at: { ...own, ...end }, decisions: [] } }
  const attempt = { connection: provider, provider, model, status: failure?.statusCode === 504 ? null : failure?.statusCode ?? 200, error: failure?.errorType ?? null, latencyMs: latencyMs - 2 }
  return { attempts: [attempt], steps: { at: { ...own, attempt: 1.5, ...(!failure && { first_byte: firstByteOf({ latencyMs }) }), ...end }, decisions: [] } }
}

/** Dice for a call about which nothing is left to chance: the first model, no failure, not from the cache. */
const ordinary = Buffer.alloc(32, 0).fill(1, 10, 12)

function demoCall(call: Pick<DemoCall, 'at' | 'orgId' | 'projectId' | 'inputTokens' | 'outputTokens'> & Partial<DemoCall>, dice: Buffer): DemoCall {
  // The cheap models do most of the work.
  const { provider, model, inputPrice, outputPrice } = demoModels[Math.floor((dice.readUInt8(6) / 256) ** 1.7 * demoModels.length)] ?? demoModels[0]
  const failure = dice.readUInt8(10) === 0 || dice.readUInt8(10) > 250 ? demoFailures[dice.readUInt8(11) % demoFailures.length] : undefined
  const cache = !failure && dice.readUInt8(11) > 235 ? 'hit' : 'none'
  const isFree = failure !== undefined || cache === 'hit'
  const tokens = failure ? { inputTokens: 0, outputTokens: 0 } : {}
  const slowness = dice.readUInt8(12) > 244 ? 4 : 1
  return {
    id: uuidv7({ msecs: call.at.getTime() }), apiKeyId: null, conversationId: null, messageId: null, provider, model, cache, failure,
    price: { source: 'demo-data', inputPrice: inputPrice.toString(), outputPrice: outputPrice.toString() },
    cost: isFree ? 0n : tokenCost(call.inputTokens, inputPrice) + tokenCost(call.outputTokens, outputPrice),
    latencyMs: cache === 'hit' ? 2 + dice.readUInt8(13) % 9 : slowness * (200 + 9 * call.outputTokens + dice.readUInt8(13)),
    ...call,
    ...tokens
  }
}

const endpointOf = ({ conversationId }: Pick<DemoCall, 'conversationId'>) => conversationId ? 'chat' : '/v1/chat/completions'

/** About four characters a token, as English has. */
const estimateTokens = (text: string) => Math.ceil(text.length / 4)

const sum = <T>(items: readonly T[], value: (item: T) => number) => items.reduce((total, item) => total + value(item), 0)
