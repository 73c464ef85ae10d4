import { v7 as uuidv7 } from 'uuid'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Database } from '../../../db/client'
import { orgMembers, users } from '../../../db/schema'
import { seedDemoData } from '../../../db/seed'
import { checkLedger } from '../../../server/billing/check-ledger'
import { openTestDatabase } from '../../support/database'

let db: Database
beforeAll(async () => {
  db = await openTestDatabase()
})
afterAll(() => db.close())

const tables = ['orgs', 'projects', 'conversations', 'messages', 'message_parts', 'wallets', 'transactions', 'usage_records', 'traces', 'api_keys', 'org_members', 'users']
const fingerprint = () => Promise.all(tables.map(async table => [table, await db.query(`select count(*)::int as rows, md5(string_agg(t::text, '' order by t::text)) as content from ${table} t`)]))

test('the demo data adds up to the last nano-dollar, and a second run changes nothing', async () => {
  await db.orm.insert(users).values([{ id: uuidv7(), name: 'Admin', email: 'admin@loom.localhost', role: 'admin' }, { id: uuidv7(), name: 'User', email: 'user@loom.localhost' }])
  expect(await seedDemoData(db)).toBe('added')
  expect(await checkLedger(db)).toEqual([])
  const first = await fingerprint()
  expect(await seedDemoData(db, new Date(Date.now() + 86_400_000))).toBe('there')
  expect(await fingerprint()).toEqual(first)
  expect(await db.orm.select({ role: orgMembers.role }).from(orgMembers)).toEqual([{ role: 'owner' }])
  await db.query('update orgs set deleted_at = now()')
  expect(await seedDemoData(db)).toBe('deleted')
})

test('the demo data hides nothing in the default partition and lies in the past', async () => {
  await seedDemoData(db)
  expect(await db.query('select count(*)::int as waiting from traces_default')).toEqual([{ waiting: 0 }])
  expect(await db.query('select count(*)::int as future from traces where created_at > now()')).toEqual([{ future: 0 }])
  expect(await db.query('select count(*)::int > 100 as plenty, sum(t.cost) = sum(u.cost) as equal from traces t join usage_records u using (id)')).toEqual([{ plenty: true, equal: true }])
})
