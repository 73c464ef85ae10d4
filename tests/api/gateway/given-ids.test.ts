import { v7 as uuidv7 } from 'uuid'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Database } from '../../../db/client'
import { findGivenIds, forgetGivenIds, GIVEN_DAYS, keepGivenIds } from '../../../server/gateway/given-ids'
import { openTestDatabase } from '../../support/database'

let db: Database
beforeEach(async () => {
  db = await openTestDatabase()
})
afterEach(() => db.close())

const [one, other, connectionId, elsewhere] = [uuidv7(), uuidv7(), uuidv7(), uuidv7()]
const given = (orgId: string, ...ids: string[]) => ({ orgId, connectionId, ids })
const found = async (orgId: string, ids: string[], at = connectionId) => [...(await findGivenIds(db, orgId, [at], ids)).get(at) ?? []]

test('an id is its org\'s and its connection\'s, of whatever form', async () => {
  const odd = ['resp_1', '', 'nul \0 and \ud800', 'x'.repeat(100_000)]
  await keepGivenIds(db, [])
  await keepGivenIds(db, [given(one, ...odd), given(other, 'resp_2'), given(one, 'resp_1')])
  expect((await found(one, [...odd, 'resp_2'])).toSorted()).toEqual(odd.toSorted())
  expect(await found(other, [...odd, 'resp_2'])).toEqual(['resp_2'])
  expect(await found(one, odd, elsewhere)).toEqual([])
})

test('batches that give the same at once, each in its own order, wait for each other', async () => {
  const ids = Array.from({ length: 200 }, (_, index) => `msg_${index}`)
  await Promise.all(Array.from({ length: 8 }, (_, turn) => keepGivenIds(db, [given(one, ...turn % 2 ? ids : ids.toReversed())])))
  expect(await found(one, ids)).toHaveLength(ids.length)
})

test('what a provider keeps no longer is forgotten', async () => {
  await keepGivenIds(db, [given(one, ...Array.from({ length: 1_000 }, (_, index) => `msg_${index}`))])
  const now = Date.now()
  const days = (count: number) => new Date(now + count * 86_400_000)
  expect(await forgetGivenIds(db, days(GIVEN_DAYS - 1))).toBe(0)
  expect(await found(one, ['msg_0'])).toEqual(['msg_0'])
  expect(await forgetGivenIds(db, days(GIVEN_DAYS + 1))).toBe(1_000)
  expect(await found(one, ['msg_0'])).toEqual([])
})
