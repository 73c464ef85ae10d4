import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { eq } from 'drizzle-orm'
import { pino } from 'pino'
import { v7 as uuidv7 } from 'uuid'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Database } from '../../db/client'
import { artifacts, conversations, discardedBytes, files, messageParts, messages, projects } from '../../db/schema'
import { duplicateConversation } from '../../server/chat/duplicate-conversation'
import { purgeConversations } from '../../server/chat/purge-conversations'
import { updateConversation } from '../../server/chat/update-conversation'
import { readConfig } from '../../server/config'
import type { FileStore } from '../../server/files/file-store'
import { openFileStore } from '../../server/files/file-store'
import { purgeProjectFiles } from '../../server/files/purge-project-files'
import { createMetrics } from '../../server/operations/metrics'
import { createProject } from '../../server/projects/create-project'
import { deleteProject, restoreProject } from '../../server/projects/delete-project'
import { openTestDatabase } from '../support/database'
import { seedWorkspace } from '../support/seed-workspace'
import type { Workspace } from '../support/seed-workspace'
import { until } from '../support/until'

const DAY_MS = 86_400_000
let db: Database
let folder: string
let fileStore: FileStore
let workspace: Workspace

beforeAll(async () => {
  db = await openTestDatabase()
  folder = await mkdtemp(join(tmpdir(), 'loom-purge-'))
  fileStore = openFileStore(readConfig({ LOOM_DATA_DIR: folder }))
  workspace = await seedWorkspace(db.orm)
})
afterAll(async () => {
  await db.close()
  await rm(folder, { recursive: true })
})

const purge = (store = fileStore) => purgeConversations({ db, fileStore: store, log: pino({ level: 'silent' }), metrics: createMetrics() })
const purgeFiles = () => purgeProjectFiles({ db, fileStore, log: pino({ level: 'silent' }), metrics: createMetrics() })
const deleteAgo = (id: string, days: number) => db.orm.update(conversations).set({ deletedAt: new Date(Date.now() - days * DAY_MS) }).where(eq(conversations.id, id))

async function* bytes() {
  yield await Promise.resolve(Buffer.from('x'))
}

/** A conversation with an attachment and a document, and where their bytes lie. */
async function makeConversation({ inProject = false, projectId = workspace.projectId } = {}) {
  const { orgId, userId } = workspace
  const [id, question, answer, part, fileId] = Array.from({ length: 5 }, () => uuidv7())
  const keys = { file: `${orgId}/${uuidv7()}`, document: `${orgId}/${uuidv7()}` }
  for (const key of Object.values(keys)) await fileStore.write(key, bytes())
  if (!id || !question || !answer || !part || !fileId) throw new Error('An id is missing')
  await db.orm.insert(conversations).values({ id, orgId, projectId, userId, shownMessageId: answer })
  await db.orm.insert(messages).values({ id: question, orgId, conversationId: id, role: 'user', status: 'complete' })
  await db.orm.insert(messages).values({ id: answer, orgId, conversationId: id, parentId: question, role: 'assistant', status: 'complete' })
  await db.orm.insert(files).values({ id: fileId, orgId, projectId, name: 'a.txt', kind: 'text', mime: 'text/plain', sizeBytes: 1, sha256: 'x', storageKey: keys.file, inProject, sentAt: new Date() })
  await db.orm.insert(messageParts).values([
    { id: uuidv7(), orgId, messageId: question, index: 0, type: 'file', content: { fileId, name: 'a.txt', mime: 'text/plain', sizeBytes: 1 }, completedAt: new Date() },
    { id: part, orgId, messageId: answer, index: 0, type: 'tool_result', content: { text: 'Written' }, toolName: 'create_artifact', toolCallId: 'call', completedAt: new Date() }
  ])
  await db.orm.insert(artifacts).values({ id: uuidv7(), orgId, conversationId: id, partId: part, kind: 'file', path: 'a.md', version: 1, mime: 'text/markdown', sizeBytes: 1, sha256: 'x', storageKey: keys.document })
  return { id, keys, fileId }
}

const isThere = (id: string) => db.orm.select({ id: conversations.id }).from(conversations).where(eq(conversations.id, id)).then(rows => rows.length === 1)

test('a conversation deleted a month ago goes with its messages, its documents and its attachments; one that can still be brought back stays', async () => {
  const [gone, kept, open] = [await makeConversation(), await makeConversation(), await makeConversation()]
  await deleteAgo(gone.id, 31)
  await deleteAgo(kept.id, 29)
  await purge()
  expect(await Promise.all([gone, kept, open].map(({ id }) => isThere(id)))).toEqual([false, true, true])
  expect(await db.orm.select().from(messages).where(eq(messages.conversationId, gone.id))).toEqual([])
  for (const key of Object.values(gone.keys)) await expect(fileStore.read(key)).rejects.toThrow()
  for (const key of [...Object.values(kept.keys), ...Object.values(open.keys)]) expect((await fileStore.read(key)).toString()).toBe('x')
  expect(await db.orm.select().from(files).where(eq(files.id, gone.fileId))).toEqual([])
})

test('a process that dies before it comes to the bytes leaves them to the next one', async () => {
  const gone = await makeConversation()
  await deleteAgo(gone.id, 31)
  void purge({ ...fileStore, remove: () => new Promise(() => {}) })
  await until(async () => !await isThere(gone.id), { what: () => 'the conversation to be purged' })
  for (const key of Object.values(gone.keys)) expect((await fileStore.read(key)).toString()).toBe('x')
  await purge()
  for (const key of Object.values(gone.keys)) await expect(fileStore.read(key)).rejects.toThrow()
  expect(await db.orm.select().from(discardedBytes)).toEqual([])
})

test('a store that is away holds no purge up, and gives the bytes back when it is there again', async () => {
  const gone = await makeConversation()
  await deleteAgo(gone.id, 31)
  await purge({ ...fileStore, remove: () => Promise.reject(new Error('The store is away')) })
  expect(await isThere(gone.id)).toBe(false)
  await purge()
  for (const key of Object.values(gone.keys)) await expect(fileStore.read(key)).rejects.toThrow()
})

test('what a copy still shows is kept until the copy goes, too', async () => {
  const original = await makeConversation()
  const copy = await duplicateConversation(db.orm, workspace.principal, original.id)
  await deleteAgo(original.id, 31)
  await purge()
  expect(await isThere(original.id)).toBe(false)
  for (const key of Object.values(original.keys)) expect((await fileStore.read(key)).toString()).toBe('x')
  await deleteAgo(copy.id, 31)
  await purge()
  for (const key of Object.values(original.keys)) await expect(fileStore.read(key)).rejects.toThrow()
})

test('a file of the project stays with the project', async () => {
  const gone = await makeConversation({ inProject: true })
  await deleteAgo(gone.id, 31)
  await purge()
  expect(await isThere(gone.id)).toBe(false)
  expect((await fileStore.read(gone.keys.file)).toString()).toBe('x')
})

test('two replicas that purge copies of one conversation at once leave nothing of it behind', async () => {
  const originals = await Promise.all(Array.from({ length: 25 }, () => makeConversation()))
  const copies: string[] = []
  for (const { id } of originals) copies.push((await duplicateConversation(db.orm, workspace.principal, id)).id)
  for (const { id } of originals) await deleteAgo(id, 32)
  for (const id of copies) await deleteAgo(id, 31)
  await Promise.all([purge(), purge(), purge()])
  expect(await Promise.all([...originals.map(({ id }) => id), ...copies].map(isThere))).not.toContain(true)
  for (const { keys, fileId } of originals) {
    for (const key of Object.values(keys)) await expect(fileStore.read(key)).rejects.toThrow()
    expect(await db.orm.select().from(files).where(eq(files.id, fileId))).toEqual([])
  }
})

describe('a deleted project', () => {
  const author = () => ({ principal: workspace.principal, ip: null })
  const deletedProject = async (days: number) => {
    const { id } = await createProject(db.orm, { principal: workspace.principal, ip: null }, { name: 'Over' })
    const made = [await makeConversation({ projectId: id }), await makeConversation({ projectId: id, inProject: true })]
    await deleteProject(db.orm, author(), id)
    await db.orm.update(projects).set({ deletedAt: new Date(Date.now() - days * DAY_MS) }).where(eq(projects.id, id))
    return { id, made, keys: made.flatMap(({ keys }) => Object.values(keys)) }
  }

  test('loses its conversations and files after a month, and then is not brought back; until then all of it is', async () => {
    const [gone, kept] = [await deletedProject(31), await deletedProject(29)]
    await purge()
    await purgeFiles()
    expect(await Promise.all([...gone.made, ...kept.made].map(({ id }) => isThere(id)))).toEqual([false, false, true, true])
    for (const key of gone.keys) await expect(fileStore.read(key)).rejects.toThrow()
    expect(await db.orm.select().from(files).where(eq(files.projectId, gone.id))).toEqual([])
    await expect(restoreProject(db.orm, author(), gone.id)).rejects.toMatchObject({ code: 'not_found' })
    expect(await restoreProject(db.orm, author(), kept.id)).toMatchObject({ id: kept.id, conversationCount: 2 })
    for (const key of kept.keys) expect((await fileStore.read(key)).toString()).toBe('x')
  })

  test('leaves its attachments to a conversation that was moved out of it', async () => {
    const { id } = await createProject(db.orm, { principal: workspace.principal, ip: null }, { name: 'Left' })
    const moved = await makeConversation({ projectId: id })
    await updateConversation(db.orm, { principal: workspace.principal, ip: null }, moved.id, { projectId: workspace.projectId })
    await deleteProject(db.orm, author(), id)
    await db.orm.update(projects).set({ deletedAt: new Date(Date.now() - 31 * DAY_MS) }).where(eq(projects.id, id))
    await purge()
    await purgeFiles()
    for (const key of Object.values(moved.keys)) expect((await fileStore.read(key)).toString()).toBe('x')
    await deleteAgo(moved.id, 31)
    await purge()
    for (const key of Object.values(moved.keys)) await expect(fileStore.read(key)).rejects.toThrow()
  })
})
