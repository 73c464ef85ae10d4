import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Database } from '../../../db/client'
import { orgMembers } from '../../../db/schema'
import { listUsers } from '../../../server/platform/list-users'
import { openTestDatabase } from '../../support/database'
import { seedWorkspace } from '../../support/seed-workspace'

let db: Database
beforeAll(async () => {
  db = await openTestDatabase()
})
afterAll(() => db.close())

test('the list of users tells in how many organisations each of them is', async () => {
  const [first, second] = [await seedWorkspace(db.orm), await seedWorkspace(db.orm)]
  await db.orm.insert(orgMembers).values({ orgId: second.orgId, userId: first.userId, role: 'viewer' })
  const { items } = await listUsers(db.orm, {})
  expect(Object.fromEntries(items.map(({ id, orgs }) => [id, orgs]))).toEqual({ [first.userId]: 2, [second.userId]: 1 })
})
