import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { v7 as uuidv7 } from 'uuid'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Database } from '../../db/client'
import { files } from '../../db/schema'
import { readConfig } from '../../server/config'
import type { FileStore } from '../../server/files/file-store'
import { openFileStore } from '../../server/files/file-store'
import { sweepFiles } from '../../server/files/sweep-files'
import { createMetrics } from '../../server/operations/metrics'
import { openTestDatabase } from '../support/database'
import { seedWorkspace } from '../support/seed-workspace'

const DAY_MS = 86_400_000
let db: Database
let folder: string
let fileStore: FileStore

beforeAll(async () => {
  db = await openTestDatabase()
  folder = await mkdtemp(join(tmpdir(), 'loom-sweep-'))
  fileStore = openFileStore(readConfig({ LOOM_DATA_DIR: folder }))
})
afterAll(async () => {
  await db.close()
  await rm(folder, { recursive: true })
})

const sweep = () => sweepFiles({ db, fileStore, log: pino({ level: 'silent' }), metrics: createMetrics() })
const daysAgo = (days: number) => new Date(Date.now() - days * DAY_MS)
async function* bytes() {
  yield await Promise.resolve(Buffer.from('x'))
}

test('what was removed a week ago or never sent in a quarter goes with its bytes; what was sent, or belongs to a project, stays', async () => {
  const { orgId, projectId, userId } = await seedWorkspace(db.orm)
  const keep = async (name: string, row: Partial<typeof files.$inferInsert>) => {
    const id = uuidv7()
    await fileStore.write(`${orgId}/${id}`, bytes())
    await db.orm.insert(files).values({ id, orgId, projectId, createdBy: userId, name, kind: 'text', mime: 'text/plain', sizeBytes: 1, sha256: 'x', storageKey: `${orgId}/${id}`, beginning: 'x', ...row })
    return `${orgId}/${id}`
  }
  const gone = [await keep('removed', { removedAt: daysAgo(8) }), await keep('never sent', { createdAt: daysAgo(91) })]
  const kept = [
    await keep('just removed', { removedAt: daysAgo(6) }), await keep('a draft', { createdAt: daysAgo(80) }), await keep('of the project', { createdAt: daysAgo(91), inProject: true }),
    await keep('sent, then removed', { removedAt: daysAgo(8), sentAt: daysAgo(20) })
  ]
  await sweep()
  await sweep()
  expect((await db.orm.select({ key: files.storageKey }).from(files)).map(({ key }) => key).sort()).toEqual(kept.sort())
  for (const key of kept) expect((await fileStore.read(key)).toString()).toBe('x')
  for (const key of gone) await expect(fileStore.read(key)).rejects.toThrow()
})
