import { asc, eq } from 'drizzle-orm'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Database } from '../../db/client'
import { auditLogs } from '../../db/schema'
import { CHAIN_START, hashEntry } from '../../server/audit/hash-entry'
import { createKey } from '../../server/keys/create-key'
import { updateKey } from '../../server/keys/update-key'
import { CreateKey } from '../../shared/keys'
import { openTestDatabase } from '../support/database'
import { seedWorkspace } from '../support/seed-workspace'

let db: Database
beforeAll(async () => {
  db = await openTestDatabase()
})
afterAll(() => db.close())

const logOf = (orgId: string) => db.orm.select().from(auditLogs).where(eq(auditLogs.orgId, orgId)).orderBy(asc(auditLogs.sequence))

/** The sequence of the first entry that is not what was written after the one before it; undefined when all are. */
function firstBroken(entries: Awaited<ReturnType<typeof logOf>>): number | undefined {
  let previousHash = CHAIN_START
  for (const entry of entries) {
    if (entry.previousHash !== previousHash || entry.hash !== hashEntry(previousHash, entry)) return entry.sequence
    previousHash = entry.hash
  }
  return undefined
}

test('changes made at once form one chain, in which a changed or missing entry shows', async () => {
  const { orgId, principal } = await seedWorkspace(db.orm)
  const author = { principal, ip: '192.0.2.1' }
  const keys = await Promise.all(Array.from({ length: 8 }, (_, index) => createKey(db.orm, author, CreateKey.parse({ name: `Key ${index}`, expiresAt: '2999-01-01T00:00:00Z' }))))
  await Promise.all(keys.map(key => updateKey(db.orm, author, key.id, { limits: { maxConcurrent: 2, requestsPerMinute: 1 }, allowedModels: ['b', 'a'] })))
  const entries = await logOf(orgId)
  expect(entries.map(({ sequence }) => sequence)).toEqual(Array.from({ length: 16 }, (_, index) => index + 1))
  expect(firstBroken(entries)).toBeUndefined()
  expect(firstBroken(entries.map(entry => entry.sequence === 5 ? { ...entry, actor: 'user:somebody-else' } : entry))).toBe(5)
  expect(firstBroken(entries.filter(({ sequence }) => sequence !== 9))).toBe(10)
  expect(JSON.stringify(entries)).not.toMatch(/loom_sk_|keyHash/)
})

test('a change that fails leaves no entry', async () => {
  const { orgId, principal } = await seedWorkspace(db.orm)
  await expect(createKey(db.orm, { principal, ip: null }, CreateKey.parse({ name: 'x', projectId: orgId }))).rejects.toThrow('no project')
  expect(await logOf(orgId)).toEqual([])
})
