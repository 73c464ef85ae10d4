import { eq } from 'drizzle-orm'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Database } from '../../db/client'
import { messageEvents, messages } from '../../db/schema'
import { createConversation } from '../../server/chat/create-conversation'
import { EventLog } from '../../server/chat/event-log'
import { nextMessageId } from '../../server/chat/message-id'
import { readEvents } from '../../server/chat/read-events'
import type { ChatEvent } from '../../shared/chat-events'
import { openTestDatabase } from '../support/database'
import { seedWorkspace } from '../support/seed-workspace'
import type { Workspace } from '../support/seed-workspace'
import { until } from '../support/until'

let db: Database
let own: Workspace

beforeAll(async () => {
  db = await openTestDatabase()
  own = await seedWorkspace(db.orm)
})
afterAll(() => db?.close())

const delta = (text: string): ChatEvent => ({ type: 'delta', index: 0, text })

async function runningAnswer(): Promise<string> {
  const conversation = await createConversation(db.orm, own.principal, own.projectId, { title: '' })
  const id = nextMessageId(undefined)
  await db.orm.insert(messages).values({ id, orgId: own.orgId, conversationId: conversation.id, role: 'assistant', status: 'pending' })
  return id
}

interface Callbacks { refused?: (messageId: string) => void, failed?: (error: unknown) => void }

const openLog = (database: Database, { refused = id => expect.unreachable(id), failed = error => expect.unreachable(String(error)) }: Callbacks = {}) =>
  new EventLog({ db: database, refused, failed })

test('every event is written once and in order, those of many answers together', async () => {
  const log = openLog(db)
  const ids = await Promise.all([runningAnswer(), runningAnswer()])
  for (let id = 2; id < 500; id++) for (const messageId of ids) log.append(own.orgId, messageId, { id, event: delta(`${id} `) })
  for (const messageId of ids) {
    const written = await until(async () => {
      const events = await readEvents(db.orm, own.orgId, messageId, 0)
      return events.length === 498 && events
    })
    expect(written.map(({ id }) => id)).toEqual(written.map((_, index) => index + 2))
    expect((await readEvents(db.orm, own.orgId, messageId, 490)).map(({ id }) => id)).toEqual([491, 492, 493, 494, 495, 496, 497, 498, 499])
  }
  expect((await db.orm.select({ status: messages.status }).from(messages).where(eq(messages.id, ids[0]))).at(0)).toEqual({ status: 'streaming' })
  // Gathered: far fewer rows than events.
  expect((await db.orm.select().from(messageEvents)).length).toBeLessThan(100)
})

test('what the database refuses for a while is written when it is back, exactly once', async () => {
  let away = true
  const failures: unknown[] = []
  const flaky: Database = { ...db, query: (...call) => away ? Promise.reject(new Error('away')) : db.query(...call) }
  const log = openLog(flaky, { failed: error => failures.push(error) })
  const messageId = await runningAnswer()
  log.append(own.orgId, messageId, { id: 2, event: delta('a') })
  await until(() => failures.length > 0)
  log.append(own.orgId, messageId, { id: 3, event: delta('b') })
  away = false
  const written = await until(async () => {
    const events = await readEvents(db.orm, own.orgId, messageId, 0)
    return events.length === 2 && events
  })
  expect(written).toEqual([{ id: 2, event: delta('a') }, { id: 3, event: delta('b') }])
})

test('half a character and characters no database stores come back as they were', async () => {
  const log = openLog(db)
  const messageId = await runningAnswer()
  const pieces = ['\ud83d', '\ude00', 'nul \0', '"\\\n']
  pieces.forEach((text, index) => log.append(own.orgId, messageId, { id: index + 2, event: delta(text) }))
  const written = await until(async () => {
    const events = await readEvents(db.orm, own.orgId, messageId, 0)
    return events.length === pieces.length && events
  })
  expect(written.map(({ event }) => event)).toEqual(pieces.map(delta))
})

test('nothing is added to an answer that was settled, and its writer is told', async () => {
  const refused: string[] = []
  const log = openLog(db, { refused: id => refused.push(id) })
  const messageId = await runningAnswer()
  await db.orm.update(messages).set({ status: 'error' }).where(eq(messages.id, messageId))
  log.append(own.orgId, messageId, { id: 2, event: delta('late') })
  await until(() => refused.includes(messageId))
  expect(await readEvents(db.orm, own.orgId, messageId, 0)).toEqual([])
})

test('another org reads none of it', async () => {
  const log = openLog(db)
  const messageId = await runningAnswer()
  log.append(own.orgId, messageId, { id: 2, event: delta('secret') })
  await until(async () => (await readEvents(db.orm, own.orgId, messageId, 0)).length === 1)
  expect(await readEvents(db.orm, (await seedWorkspace(db.orm)).orgId, messageId, 0)).toEqual([])
})
