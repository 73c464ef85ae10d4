import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { eq } from 'drizzle-orm'
import { v7 as uuidv7 } from 'uuid'
import type { Database } from '../../db/client'
import { conversations, messageEvents, messageParts, messages, replicas } from '../../db/schema'
import { beginAnswer } from '../../server/chat/begin-answer'
import { createConversation } from '../../server/chat/create-conversation'
import { deleteConversation } from '../../server/chat/delete-conversation'
import { getConversation } from '../../server/chat/get-conversation'
import { listConversations } from '../../server/chat/list-conversations'
import { listMessages } from '../../server/chat/list-messages'
import { nextMessageId } from '../../server/chat/message-id'
import { restoreConversation } from '../../server/chat/restore-conversation'
import { settleInterrupted } from '../../server/chat/settle-interrupted'
import { showBranch } from '../../server/chat/show-branch'
import { updateConversation } from '../../server/chat/update-conversation'
import { createProject } from '../../server/projects/create-project'
import { getProject } from '../../server/projects/get-project'
import { listProjects } from '../../server/projects/list-projects'
import { updateProject } from '../../server/projects/update-project'
import { Conversation, ConversationQuery } from '../../shared/conversations'
import { Message, MessageQuery } from '../../shared/messages'
import { Project, ProjectQuery } from '../../shared/projects'
import { noUsage } from '../../server/gateway/usage'
import { openTestDatabase, testDatabaseKind } from '../support/database'
import { charge } from '../support/ledger-entries'
import { seedWorkspace } from '../support/seed-workspace'
import type { Workspace } from '../support/seed-workspace'
import { until } from '../support/until'

let db: Database
let own: Workspace
let other: Workspace

beforeAll(async () => {
  db = await openTestDatabase()
  own = await seedWorkspace(db.orm)
  other = await seedWorkspace(db.orm)
})
afterAll(() => db.close())

const notFound = expect.objectContaining({ code: 'not_found' })

describe('projects', () => {
  test('every row is what the contract says', async () => {
    const { projects } = await listProjects(db.orm, own.principal, ProjectQuery.parse({}))
    expect(projects.map(project => Project.parse(project))).toEqual(projects)
  })

  test('the pages of a list hold every project once, most recently active first', async () => {
    const workspace = await seedWorkspace(db.orm)
    for (let index = 0; index < 6; index++) await createProject(db.orm, { principal: workspace.principal, ip: null }, { name: `Project ${index}` })
    const { projects: [oldest] } = await listProjects(db.orm, workspace.principal, ProjectQuery.parse({ search: 'Project 0' }))
    await createConversation(db.orm, workspace.principal, oldest?.id ?? '', { title: '' })
    const names: string[] = []
    let cursor: string | undefined
    do {
      const page = await listProjects(db.orm, workspace.principal, ProjectQuery.parse({ limit: 3, cursor }))
      names.push(...page.projects.map(project => project.name))
      cursor = page.nextCursor ?? undefined
    } while (cursor)
    expect(names).toEqual(['Project 0', 'Project 5', 'Project 4', 'Project 3', 'Project 2', 'Project 1', 'First project'])
  })

  test('a search takes its wildcards literally', async () => {
    await createProject(db.orm, { principal: own.principal, ip: null }, { name: '100% wool' })
    const find = async (search: string) => (await listProjects(db.orm, own.principal, ProjectQuery.parse({ search }))).projects.map(project => project.name)
    expect(await find('100%')).toEqual(['100% wool'])
    expect(await find('1%0')).toEqual([])
  })

  test('counts conversations that are there and money spent by all', async () => {
    const project = await createProject(db.orm, { principal: own.principal, ip: null }, { name: 'Figures' })
    const [kept, deleted] = [await createConversation(db.orm, own.principal, project.id, { title: 'a' }), await createConversation(db.orm, own.principal, project.id, { title: 'b' })]
    await db.orm.update(conversations).set({ cost: 5_000_000_000_000_000_001n }).where(eq(conversations.id, kept.id))
    await db.orm.update(conversations).set({ cost: 2n }).where(eq(conversations.id, deleted.id))
    await deleteConversation(db.orm, own.principal, deleted.id)
    expect(await getProject(db.orm, own.principal, project.id)).toMatchObject({ conversationCount: 1, spendNanoUsd: '5000000000000000003' })
  })

  test('an archived project leaves the list and comes back', async () => {
    const project = await createProject(db.orm, { principal: own.principal, ip: null }, { name: 'Archive me' })
    const listed = async (archived: boolean) => (await listProjects(db.orm, own.principal, ProjectQuery.parse({ archived: String(archived) }))).projects.some(({ id }) => id === project.id)
    await updateProject(db.orm, { principal: own.principal, ip: null }, project.id, { archived: true })
    expect([await listed(false), await listed(true)]).toEqual([false, true])
    await updateProject(db.orm, { principal: own.principal, ip: null }, project.id, { archived: false, name: 'Back' })
    expect([await listed(false), await listed(true)]).toEqual([true, false])
  })

  test('another org\'s project is as unknown as no project', async () => {
    for (const id of [other.projectId, uuidv7()]) {
      await expect(getProject(db.orm, own.principal, id)).rejects.toEqual(notFound)
      await expect(updateProject(db.orm, { principal: own.principal, ip: null }, id, { name: 'Mine now' })).rejects.toEqual(notFound)
      await expect(listConversations(db.orm, own.principal, id, ConversationQuery.parse({}))).rejects.toEqual(notFound)
      await expect(createConversation(db.orm, own.principal, id, { title: '' })).rejects.toEqual(notFound)
    }
  })

  test('a key bound to a project reaches nothing else in its org', async () => {
    const project = await createProject(db.orm, { principal: own.principal, ip: null }, { name: 'Elsewhere' })
    const conversation = await createConversation(db.orm, own.principal, project.id, { title: 'Elsewhere' })
    const key = { ...own.principal, projectId: own.projectId }
    expect((await listProjects(db.orm, key, ProjectQuery.parse({}))).projects.map(({ id }) => id)).toEqual([own.projectId])
    await expect(getProject(db.orm, key, project.id)).rejects.toEqual(notFound)
    await expect(getConversation(db.orm, key, conversation.id)).rejects.toEqual(notFound)
    await expect(createProject(db.orm, { principal: key, ip: null }, { name: 'More' })).rejects.toMatchObject({ code: 'insufficient_scope' })
  })
})

describe('conversations', () => {
  test('the pages of a list hold every conversation once: pinned first, then the newest', async () => {
    const project = await createProject(db.orm, { principal: own.principal, ip: null }, { name: 'Pages' })
    const titles = ['one', 'two', 'three', 'four', 'five']
    for (const title of titles) await createConversation(db.orm, own.principal, project.id, { title })
    const all = await listConversations(db.orm, own.principal, project.id, ConversationQuery.parse({}))
    expect(all.conversations.map(conversation => Conversation.parse(conversation))).toEqual(all.conversations)
    const pinned = all.conversations.find(({ title }) => title === 'two')
    await updateConversation(db.orm, { principal: own.principal, ip: null }, pinned?.id ?? '', { pinned: true })
    const seen: string[] = []
    let cursor: string | undefined
    do {
      const page = await listConversations(db.orm, own.principal, project.id, ConversationQuery.parse({ limit: 2, cursor }))
      seen.push(...page.conversations.map(({ title }) => title))
      cursor = page.nextCursor ?? undefined
    } while (cursor)
    expect(seen).toEqual(['two', 'five', 'four', 'three', 'one'])
  })

  test('a deleted conversation is gone until it is restored', async () => {
    const { id } = await createConversation(db.orm, own.principal, own.projectId, { title: 'Undo' })
    await expect(restoreConversation(db.orm, own.principal, id)).rejects.toEqual(notFound)
    await deleteConversation(db.orm, own.principal, id)
    await expect(getConversation(db.orm, own.principal, id)).rejects.toEqual(notFound)
    await expect(listMessages(db.orm, own.principal, id, MessageQuery.parse({}))).rejects.toEqual(notFound)
    await expect(deleteConversation(db.orm, own.principal, id)).rejects.toEqual(notFound)
    await expect(restoreConversation(db.orm, other.principal, id)).rejects.toEqual(notFound)
    expect(await restoreConversation(db.orm, own.principal, id)).toMatchObject({ id, title: 'Undo' })
  })

  test('a new conversation starts with its project\'s model', async () => {
    const project = await createProject(db.orm, { principal: own.principal, ip: null }, { name: 'Models', defaultModel: 'demo' })
    expect(await createConversation(db.orm, own.principal, project.id, { title: '' })).toMatchObject({ model: 'demo' })
    expect(await createConversation(db.orm, own.principal, project.id, { title: '', model: 'other' })).toMatchObject({ model: 'other' })
  })
})

describe('messages', () => {
  test('a thread of 300 is read page by page, each message once and in order', async () => {
    const { id } = await createConversation(db.orm, own.principal, own.projectId, { title: 'Long' })
    const ids = await seedThread(id, 300)
    const read: string[] = []
    let before: string | null | undefined
    do {
      const page = await listMessages(db.orm, own.principal, id, MessageQuery.parse({ before: before ?? undefined, limit: 70 }))
      expect(page.messages.map(message => Message.parse(message))).toEqual(page.messages)
      read.unshift(...page.messages.map(message => message.id))
      before = page.nextCursor
    } while (before)
    expect(read).toEqual(ids)
  })

  test('one branch is shown to its newest end, and each message knows the ones beside it', async () => {
    const { id } = await createConversation(db.orm, own.principal, own.projectId, { title: 'Branches' })
    const [question = '', answer = '', second = ''] = await seedThread(id, 3)
    const retried = nextMessageId(second)
    await db.orm.insert(messages).values({ id: retried, orgId: own.orgId, conversationId: id, parentId: question, role: 'assistant', status: 'complete' })
    const shown = async () => (await listMessages(db.orm, own.principal, id, MessageQuery.parse({}))).messages.map(message => [message.id, message.siblingIds])
    expect(await shown()).toEqual([[question, [question]], [answer, [answer, retried]], [second, [second]]])
    await showBranch(db.orm, own.principal, id, retried)
    expect(await shown()).toEqual([[question, [question]], [retried, [answer, retried]]])
    await showBranch(db.orm, own.principal, id, answer)
    expect((await shown()).map(([messageId]) => messageId)).toEqual([question, answer, second])
    await expect(showBranch(db.orm, other.principal, id, retried)).rejects.toEqual(notFound)
  })

  test('another org reads none of them', async () => {
    const { id } = await createConversation(db.orm, own.principal, own.projectId, { title: 'Private' })
    await seedThread(id, 2)
    await expect(listMessages(db.orm, other.principal, id, MessageQuery.parse({}))).rejects.toEqual(notFound)
  })
})

describe('answers of processes that are gone', () => {
  const refuseNone = (error: unknown) => expect.unreachable(String(error))

  test('are settled as interrupted with what they had, those of living ones are not', async () => {
    const [alive, dead] = [uuidv7(), uuidv7()]
    await db.orm.insert(replicas).values([{ id: alive, hostname: 'a', version: '1' }, { id: dead, hostname: 'b', version: '1', heartbeatAt: new Date(Date.now() - 60_000) }])
    const running = async (replica: string) => {
      const { id } = await createConversation(db.orm, own.principal, own.projectId, { title: '' })
      const [question = ''] = await seedThread(id, 1)
      const messageId = nextMessageId(question)
      await db.orm.insert(messages).values({ id: messageId, orgId: own.orgId, conversationId: id, parentId: question, role: 'assistant', status: 'streaming', replica })
      await db.orm.update(conversations).set({ shownMessageId: messageId }).where(eq(conversations.id, id))
      const part = { type: 'text', index: 0, text: 'half', startedAt: new Date().toJSON(), completedAt: null }
      await db.orm.insert(messageEvents).values({ orgId: own.orgId, messageId, first: 2, last: 3, events: JSON.stringify([{ type: 'part', part }, { type: 'delta', index: 0, text: ' an' }]) })
      // Two calls were over, as with tools.
      const usage = { inputTokens: 30, outputTokens: 7, cachedInputTokens: 4, reasoningTokens: 2 }
      const charged = [await charge(db, replica, own.orgId, 500n, { conversationId: id, messageId, usage: { ...noUsage, ...usage } }), await charge(db, replica, own.orgId, 90n, { conversationId: id, messageId, model: 'n', usage: { ...noUsage, ...usage } })]
      return { id, charged }
    }
    const [{ id: kept }, { id: lost, charged }] = [await running(alive), await running(dead)]
    expect((await getConversation(db.orm, own.principal, lost)).runningMessageId).not.toBeNull()
    expect(await Promise.all([settleInterrupted(db, 20_000, refuseNone), settleInterrupted(db, 20_000, refuseNone)]).then(counts => counts.reduce((a, b) => a + b))).toBe(1)
    const last = async (id: string) => (await listMessages(db.orm, own.principal, id, MessageQuery.parse({}))).messages.at(-1)
    expect(await last(kept)).toMatchObject({ status: 'streaming', parts: [{ type: 'text', text: 'half an', completedAt: null }] })
    expect(await last(lost)).toMatchObject({
      status: 'error', error: { code: 'interrupted' },
      parts: [{ type: 'text', text: 'half an', completedAt: expect.any(String) }, { type: 'error', code: 'interrupted' }],
      provider: 'demo', model: 'n', inputTokens: 60, outputTokens: 14, cachedInputTokens: 8, reasoningTokens: 4, costNanoUsd: '590', traceId: charged.at(-1)
    })
    expect(await getConversation(db.orm, own.principal, lost)).toMatchObject({ runningMessageId: null, inputTokens: 60, outputTokens: 14, cachedInputTokens: 8, reasoningTokens: 4, costNanoUsd: '590' })
    expect(await getConversation(db.orm, own.principal, kept)).toMatchObject({ inputTokens: 0, costNanoUsd: '0' })
    // The log goes once its parts are stored.
    expect((await db.orm.select().from(messageEvents)).map(({ events }) => events)).toHaveLength(1)
  })

  // The embedded database takes one transaction at a time.
  const runIf = test.runIf(testDatabaseKind === 'postgres')
  const seedOrphan = async () => {
    const { id: conversationId } = await createConversation(db.orm, own.principal, own.projectId, { title: '' })
    const [question = ''] = await seedThread(conversationId, 1)
    const messageId = nextMessageId(question)
    await db.orm.insert(messages).values({ id: messageId, orgId: own.orgId, conversationId, parentId: question, role: 'assistant', status: 'streaming', replica: uuidv7() })
    await db.orm.update(conversations).set({ shownMessageId: messageId }).where(eq(conversations.id, conversationId))
    await db.orm.insert(messageEvents).values({ orgId: own.orgId, messageId, first: 2, last: 2, events: '[]' })
    return { conversationId, messageId }
  }
  const ask = async (conversationId: string) => {
    const replicaId = uuidv7()
    await db.orm.insert(replicas).values({ id: replicaId, hostname: 'c', version: '1' })
    return beginAnswer(db.orm, own.principal, { conversationId, replicaId, model: 'demo', tools: undefined, fallbackModel: undefined }, { text: 'And now?', clientId: undefined })
  }
  const settle = () => settleInterrupted(db, 600_000, refuseNone)
  const statusOf = async (messageId: string) => (await db.orm.select({ status: messages.status }).from(messages).where(eq(messages.id, messageId)))[0]?.status

  test('are settled without their words where the database stores none of them, and keep no other waiting', async () => {
    const [unstorable, other] = [await seedOrphan(), await seedOrphan()]
    // Words that are written with a hyphen are indexed whole and in parts: together more than an index takes.
    const part = { type: 'text', index: 0, text: Array.from({ length: 11_111 }, (_, index) => String.fromCodePoint(0x4e00 + index)).map(own => `${own}字漢字漢字漢-字漢字漢字漢${own}`).join(' '), startedAt: new Date().toJSON(), completedAt: null }
    await db.orm.update(messageEvents).set({ events: JSON.stringify([{ type: 'part', part }]) }).where(eq(messageEvents.messageId, unstorable.messageId))
    const refused: unknown[] = []
    expect(await settleInterrupted(db, 600_000, (_, { messageId }) => refused.push(messageId))).toBe(2)
    expect(refused).toEqual([unstorable.messageId])
    expect(await Promise.all([unstorable, other].map(({ messageId }) => statusOf(messageId)))).toEqual(['error', 'error'])
    expect((await listMessages(db.orm, own.principal, unstorable.conversationId, MessageQuery.parse({}))).messages.at(-1)).toMatchObject({ error: { code: 'interrupted' }, parts: [{ type: 'error' }] })
  })

  runIf('are left to the next round where a question has their conversation locked, which waits for nothing of them', async () => {
    const { conversationId, messageId } = await seedOrphan()
    await db.transaction(async (query) => {
      await query('select from conversations where id = $1 for no key update', [conversationId])
      expect(await settle()).toBe(0)
    })
    await expect(ask(conversationId)).rejects.toMatchObject({ code: 'conflict' })
    expect(await settle()).toBe(1)
    expect(await statusOf(messageId)).toBe('error')
    expect(await ask(conversationId)).toMatchObject({ message: { status: 'pending' } })
  })

  runIf('are settled before a question that comes meanwhile, which then follows them', async () => {
    const { conversationId, messageId } = await seedOrphan()
    const untilBlocked = (count: number) => until(async () => {
      const [row] = await db.query(`select count(*)::int as blocked from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`)
      return row?.blocked === count
    })
    // Its log is what the settling comes to in the middle of its work.
    const [settling, asking] = await db.transaction(async (query) => {
      await query('select from message_events where message_id = $1 for update', [messageId])
      const settling = settle()
      await untilBlocked(1)
      const asking = ask(conversationId)
      await untilBlocked(2)
      return [settling, asking] as const
    })
    expect(await settling).toBe(1)
    expect(await statusOf(messageId)).toBe('error')
    expect(await asking).toMatchObject({ userMessage: { parentId: messageId }, message: { status: 'pending' } })
  })
})

/** A thread of questions and answers, one after the other. */
async function seedThread(conversationId: string, length: number): Promise<string[]> {
  const ids: string[] = []
  for (let index = 0; index < length; index++) ids.push(nextMessageId(ids.at(-1)))
  await db.orm.insert(messages).values(ids.map((id, index) => ({
    id, orgId: own.orgId, conversationId, parentId: ids[index - 1] ?? null, role: index % 2 ? 'assistant' as const : 'user' as const, status: 'complete' as const
  })))
  await db.orm.update(conversations).set({ shownMessageId: ids.at(-1) }).where(eq(conversations.id, conversationId))
  await db.orm.insert(messageParts).values(ids.map((messageId, index) => ({ orgId: own.orgId, messageId, index: 0, type: 'text' as const, content: { text: `message ${index}` } })))
  return ids
}
