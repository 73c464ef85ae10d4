import { randomBytes } from 'node:crypto'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { eq, like } from 'drizzle-orm'
import { v7 as uuidv7 } from 'uuid'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { Database } from '../../db/client'
import { alertRules, alertWebhooks, apiKeys, artifacts, conversations, discardedBytes, files, messages, modelRoutes, orgInvitations, providerConnections } from '../../db/schema'
import { createRule } from '../../server/alerts/create-rule'
import { createWebhook } from '../../server/alerts/create-webhook'
import { storeArtifact } from '../../server/artifacts/store-artifact'
import type { Author } from '../../server/audit/record'
import { createRoute } from '../../server/catalog/create-route'
import { importConversation } from '../../server/chat/import-conversation'
import { createConnection } from '../../server/connections/create-connection'
import { readConfig } from '../../server/config'
import { openKeyring } from '../../server/crypto/keyring'
import { LoomError } from '../../server/errors'
import type { FileStore } from '../../server/files/file-store'
import { openFileStore } from '../../server/files/file-store'
import { storeFile } from '../../server/files/store-file'
import { createInvitation } from '../../server/identity/create-invitation'
import { createKey } from '../../server/keys/create-key'
import { CreateAlertRule } from '../../shared/alerts'
import { ImportConversation } from '../../shared/conversation-export'
import { CreateConnection } from '../../shared/connections'
import { CreateKey } from '../../shared/keys'
import { CreateModelRoute } from '../../shared/model-routes'
import { openTestDatabase } from '../support/database'
import type { Workspace } from '../support/seed-workspace'
import { seedWorkspace } from '../support/seed-workspace'
import { until } from '../support/until'

const keyring = openKeyring({ ENCRYPTION_MASTER_KEY: randomBytes(32).toString('hex'), LOOM_DATA_DIR: '.unused' })
const BATCH = 2_000

let db: Database
let workspace: Workspace
let author: Author
beforeAll(async () => {
  db = await openTestDatabase()
})
beforeEach(async () => {
  workspace = await seedWorkspace(db.orm)
  author = { principal: workspace.principal, ip: null }
})
afterAll(() => db.close())

interface Kind {
  things: string
  most: number
  /** What is there already. */
  seed: (orgId: string, indices: number[]) => Promise<unknown>
  /** Goes the way that a member's request goes. */
  create: (name: string) => Promise<unknown>
}

const inAnHour = () => new Date(Date.now() + 3_600_000)

const kinds: Kind[] = [
  {
    things: 'connections', most: 100,
    seed: (orgId, indices) => db.orm.insert(providerConnections).values(indices.map(index => ({ orgId, kind: 'demo' as const, name: `seeded-${index}` }))),
    create: name => createConnection(db.orm, keyring, author, CreateConnection.parse({ kind: 'demo', name }))
  },
  {
    things: 'routes', most: 500,
    seed: (orgId, indices) => db.orm.insert(modelRoutes).values(indices.map(index => ({ orgId, alias: `seeded-${index}` }))),
    create: async (alias) => {
      const connectionId = uuidv7()
      await db.orm.insert(providerConnections).values({ id: connectionId, orgId: workspace.orgId, kind: 'demo', name: alias })
      return createRoute(db.orm, author, CreateModelRoute.parse({ alias, targets: [{ connectionId, upstreamModel: 'demo' }] }))
    }
  },
  {
    things: 'webhooks', most: 20,
    seed: (orgId, indices) => db.orm.insert(alertWebhooks).values(indices.map(index => ({ orgId, name: `seeded-${index}`, url: 'https://example.com/', secret: randomBytes(8), secretIv: randomBytes(8), encryptionKeyVersion: 1 }))),
    create: name => createWebhook(db.orm, keyring, author, { name, url: 'https://example.com/' })
  },
  {
    things: 'alert rules', most: 100,
    seed: (orgId, indices) => db.orm.insert(alertRules).values(indices.map(index => ({ orgId, name: `seeded-${index}`, kind: 'circuit' as const, config: { kind: 'circuit' } }))),
    create: name => createRule(db.orm, author, CreateAlertRule.parse({ name, condition: { kind: 'circuit' } }))
  },
  {
    things: 'active keys', most: 10_000,
    seed: (orgId, indices) => db.orm.insert(apiKeys).values(indices.map(index => ({ orgId, name: `seeded-${index}`, keyPrefix: 'seed', keyHash: randomBytes(16).toString('hex'), scopes: ['inference'] }))),
    create: name => createKey(db.orm, author, CreateKey.parse({ name }))
  },
  {
    things: 'open invitations', most: 500,
    seed: (orgId, indices) => db.orm.insert(orgInvitations).values(indices.map(index => ({ orgId, email: `seeded-${index}@example.com`, role: 'member' as const, tokenHash: randomBytes(16).toString('hex'), invitedBy: workspace.userId, expiresAt: inAnHour() }))),
    create: name => createInvitation(db.orm, author, { email: `${name}@example.com`, role: 'member' }, 'https://loom.example.com')
  }
]

test.each(kinds)('an org has at most $most $things, however many are made at once', async ({ things, most, seed, create }) => {
  const there = Array.from({ length: most - 1 }, (_, index) => index)
  for (let start = 0; start < there.length; start += BATCH) await seed(workspace.orgId, there.slice(start, start + BATCH))
  const outcomes = await Promise.allSettled(['one', 'two', 'three'].map(name => create(name)))
  const refusals = outcomes.flatMap(outcome => outcome.status === 'rejected' ? [outcome.reason] : [])
  expect(refusals).toEqual([expect.any(LoomError), expect.any(LoomError)])
  expect(refusals).toMatchObject(refusals.map(() => ({ code: 'conflict', message: `An organisation has at most ${most.toLocaleString('en')} ${things}. Remove one first.` })))
})

test('keys that are over take no room', async () => {
  const over = { orgId: workspace.orgId, keyPrefix: 'seed', scopes: ['inference' as const], expiresAt: new Date(Date.now() - 1_000) }
  for (let start = 0; start < 10_000; start += BATCH) await db.orm.insert(apiKeys).values(Array.from({ length: BATCH }, (_, index) => ({ ...over, name: `over-${start + index}`, keyHash: randomBytes(16).toString('hex') })))
  await createKey(db.orm, author, CreateKey.parse({ name: 'new' }))
})

test('files that come at once are counted one after another', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'loom-bounds-'))
  const runtime = { db, fileStore: openFileStore(readConfig({ LOOM_DATA_DIR: folder })), config: { MAX_FILE_BYTES: 1_000, MAX_ORG_FILE_BYTES: 1_000 } }
  let begun = 0
  // Each goes on when all have been let in.
  async function* bytes() {
    begun += 1
    await until(() => begun >= 3)
    yield Buffer.alloc(1_000, 'x')
  }
  const store = (name: string) => storeFile(runtime, workspace.principal, workspace.projectId, { name, inProject: false, contentType: 'text/plain' }, bytes())
  const outcomes = await Promise.allSettled(['a.txt', 'b.txt', 'c.txt'].map(store))
  expect(outcomes.flatMap(outcome => outcome.status === 'rejected' ? [outcome.reason] : [])).toMatchObject(Array(2).fill({ code: 'invalid_request', message: expect.stringContaining('no room left') }))
  const kept = await db.orm.select({ key: files.storageKey }).from(files).where(eq(files.orgId, workspace.orgId))
  expect(kept).toHaveLength(1)
  expect((await readdir(join(folder, 'files', workspace.orgId))).map(name => `${workspace.orgId}/${name}`)).toEqual(kept.map(({ key }) => key))
  await rm(folder, { recursive: true })
})

test('documents of chats take room as files do, those that come at once one after another', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'loom-bounds-'))
  const fileStore = openFileStore(readConfig({ LOOM_DATA_DIR: folder }))
  let writes = 0
  const counted: FileStore = { ...fileStore, write: (key, chunks) => {
    writes += 1
    return fileStore.write(key, chunks)
  } }
  const runtime = { db, fileStore: counted, config: { MAX_FILE_BYTES: 1_000, MAX_ORG_FILE_BYTES: 1_000 } }
  const { orgId, userId, projectId, principal } = workspace
  const [conversationId, messageId] = [uuidv7(), uuidv7()]
  await db.orm.insert(conversations).values({ id: conversationId, orgId, projectId, userId })
  await db.orm.insert(messages).values({ id: messageId, orgId, conversationId, role: 'assistant', status: 'streaming' })
  const at = new Date().toJSON()
  const make = (index: number, content: string) => storeArtifact(runtime, { orgId, conversationId, messageId, path: `${index}.md`, content },
    { type: 'tool_result', index, toolCallId: `call-${index}`, toolName: 'create_artifact', text: 'Written', failed: false, durationMs: 1, startedAt: at, completedAt: at })
  async function* bytes() {
    yield await Promise.resolve(Buffer.from('x'))
  }
  const upload = () => storeFile(runtime, principal, projectId, { name: 'a.txt', inProject: false, contentType: 'text/plain' }, bytes())
  const noRoom = { code: 'invalid_request', message: expect.stringContaining('no room left') }

  await make(0, 'x'.repeat(600))
  await upload()
  const outcomes = await Promise.allSettled([1, 2, 3].map(index => make(index, 'x'.repeat(600))))
  expect(outcomes.flatMap(outcome => outcome.status === 'rejected' ? [outcome.reason] : [])).toMatchObject([noRoom, noRoom])
  const writesWithRoom = writes
  await expect(upload()).rejects.toMatchObject(noRoom)
  await expect(make(4, 'x')).rejects.toMatchObject(noRoom)
  const document = { messageId, partIndex: 0, encoding: 'text' as const, content: 'x' }
  const exported = { format: 'loom.conversation' as const, version: 2 as const, title: 'Back', model: null, systemPrompt: '', parameters: {}, tools: false, createdAt: at, shownMessageId: null, messages: [] }
  await expect(importConversation(runtime, principal, projectId, { ...exported, documents: [document] })).rejects.toMatchObject(noRoom)
  await importConversation(runtime, principal, projectId, { ...exported, documents: [] })
  expect(writes).toBe(writesWithRoom)
  expect(await readdir(join(folder, 'files', orgId))).toHaveLength(3)
  await rm(folder, { recursive: true })
})

test('conversations with documents that are imported at once are counted one after another, and what is refused leaves nothing', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'loom-bounds-'))
  const fileStore = openFileStore(readConfig({ LOOM_DATA_DIR: folder }))
  let begun = 0
  // Each goes on when all have been let in.
  const patient: FileStore = { ...fileStore, write: async (key, chunks) => {
    begun += 1
    await until(() => begun >= 3)
    return fileStore.write(key, chunks)
  } }
  const { orgId, projectId, principal } = workspace
  const at = new Date().toJSON()
  const messageId = uuidv7()
  const part = { type: 'tool_result', index: 0, toolCallId: 'call', toolName: 'create_artifact', text: 'Written', artifact: { path: 'a.md', version: 1 }, startedAt: at, completedAt: at }
  const nothingCounted = { inputTokens: null, outputTokens: null, cachedInputTokens: null, reasoningTokens: null, costNanoUsd: null, latencyMs: null, ttfbMs: null, traceId: null }
  const message = { id: messageId, conversationId: uuidv7(), parentId: null, siblingIds: [messageId], role: 'assistant', status: 'complete', provider: null, model: null, ...nothingCounted, error: null, createdAt: at, parts: [part] }
  const exported = ImportConversation.parse({
    format: 'loom.conversation', version: 2, title: 'Back', model: null, createdAt: at, shownMessageId: null, messages: [message],
    documents: [{ messageId, partIndex: 0, encoding: 'text', content: 'x'.repeat(1_000) }]
  })
  const outcomes = await Promise.allSettled([1, 2, 3].map(() => importConversation({ db, fileStore: patient, config: { MAX_ORG_FILE_BYTES: 1_000 } }, principal, projectId, exported)))
  expect(outcomes.flatMap(outcome => outcome.status === 'rejected' ? [outcome.reason] : [])).toMatchObject(Array(2).fill({ code: 'invalid_request', message: expect.stringContaining('no room left') }))
  const kept = await db.orm.select({ key: artifacts.storageKey }).from(artifacts).where(eq(artifacts.orgId, orgId))
  expect(kept).toHaveLength(1)
  expect(await db.orm.select({ id: conversations.id }).from(conversations).where(eq(conversations.orgId, orgId))).toHaveLength(1)
  const discarded = await db.orm.select({ key: discardedBytes.storageKey }).from(discardedBytes).where(like(discardedBytes.storageKey, `${orgId}/%`))
  expect((await readdir(join(folder, 'files', orgId))).map(name => `${orgId}/${name}`).sort()).toEqual([...kept, ...discarded].map(({ key }) => key).sort())
  await rm(folder, { recursive: true })
})
