import { sql } from 'drizzle-orm'
import { expect, test } from 'vitest'
import { openTestDatabase, testDatabaseKind } from '../../support/database'
import { until } from '../../support/until'

test('a database tells what its pools work on, and what waits for a connection', async () => {
  const db = await openTestDatabase()
  const gate = Promise.withResolvers<undefined>()
  const underWay = () => Object.values(db.load()).reduce((sum, { running, waiting }) => sum + running + waiting, 0)
  try {
    const transactions = Array.from({ length: 6 }, () => db.orm.transaction(() => gate.promise))
    await until(() => underWay() === 6, { what: () => `six transactions to be under way; ${underWay()} are` })
    // The pool of a test has four connections.
    expect(db.load()).toEqual(testDatabaseKind === 'postgres'
      ? { ledger: { running: 0, waiting: 0 }, pages: { running: 4, waiting: 2 } }
      : { embedded: { running: 1, waiting: 5 } })
    gate.resolve(undefined)
    await Promise.all(transactions)
    await Promise.all(Array.from({ length: 6 }, () => db.orm.execute(sql`select 1`)))
    await Promise.allSettled([db.orm.execute(sql`select 1 / 0`), db.query('select 1 / 0')])
    await until(() => underWay() === 0, { what: () => `nothing to be under way; ${underWay()} statements are` })
  } finally {
    gate.resolve(undefined)
    await db.close()
  }
})
