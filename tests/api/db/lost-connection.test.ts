import { sql } from 'drizzle-orm'
import { expect, inject, test } from 'vitest'
import { openPostgres } from '../../../db/open-postgres'
import { DatabaseSilentError } from '../../../db/within-deadline'
import { createPostgresDatabase } from '../../support/database'
import { startLossyProxy } from '../../support/lossy-proxy'
import { startPostgres } from '../../support/postgres'
import { until } from '../../support/until'

// A server of its own, because it is crashed. tests/unit/db/embedded.test.ts crashes the embedded database.
test.runIf(inject('database') === 'postgres')('when PostgreSQL dies, whatever runs fails clearly, the process lives, and all works again once it is back', async () => {
  const server = await startPostgres()
  if (!server) throw new Error('PostgreSQL is not installed')
  const db = openPostgres({ url: server.url, poolSize: 6, statementTimeoutMs: 30_000 })
  try {
    const heard: string[] = []
    let resumed = 0
    await db.listen('news', payload => heard.push(payload), () => resumed++)
    const begun: string[] = []
    let goOn = () => {}
    const later = new Promise<void>((resolve) => {
      goOn = resolve
    })
    const lateErrors: unknown[] = []
    const running = [
      db.query('select pg_sleep(60)'),
      db.transaction(async query => void await query('select pg_sleep(60)')),
      db.orm.transaction(orm => orm.transaction(async nested => void await nested.execute(sql`select pg_sleep(60)`))),
      db.transaction(async (query) => {
        await query('select 1')
        begun.push('idle')
        await later
        await query('select 2').catch((error: unknown) => lateErrors.push(error))
      })
    ].map(work => work.then(() => 'done', (error: unknown) => error))
    await until(async () => begun.length === 1 && (await db.query(`select from pg_stat_activity where query like 'select pg_sleep%' and state = 'active'`)).length === 3)

    expect(resumed).toBe(0)
    await server.crash()
    for (const outcome of await Promise.all(running)) expect(outcome).toBeInstanceOf(Error)
    await expect(db.query('select 1')).rejects.toThrow(/ECONN|CONNECTION/)
    goOn()
    await until(() => lateErrors.length === 1)

    await server.start()
    await until(async () => (await db.query('select 1 as one').catch(() => [])).length === 1)
    await until(async () => {
      await db.notify('news', 'back')
      return heard.includes('back')
    }, { intervalMs: 100 })
    expect(resumed).toBeGreaterThan(0)
  } finally {
    await db.close()
    await server.stop()
  }
})

test.runIf(inject('database') === 'postgres')('a transaction that is given up while PostgreSQL is frozen fails for who asked; that it failed later is told, too, and it changed nothing', async () => {
  const server = await startPostgres()
  if (!server) throw new Error('PostgreSQL is not installed')
  const abandoned: unknown[] = []
  const db = openPostgres({ url: server.url, poolSize: 2, statementTimeoutMs: 30_000, deadlineMs: 2_000, onAbandoned: error => abandoned.push(error) })
  try {
    await db.orm.execute(sql`create table kept (what text)`)
    await server.freeze()
    await expect(db.orm.transaction(orm => orm.execute(sql`insert into kept values ('unasked')`))).rejects.toThrow(DatabaseSilentError)
    expect(abandoned).toEqual([])
    server.thaw()
    await until(() => abandoned.length === 1)
    expect(await db.orm.execute(sql`select what from kept`)).toEqual([])
  } finally {
    server.thaw()
    await db.close()
    await server.stop()
  }
})

test.runIf(inject('database') === 'postgres')('statements of the road take the first connection that is free, and wait for none that was closed', async () => {
  const server = await startPostgres()
  if (!server) throw new Error('PostgreSQL is not installed')
  const db = openPostgres({ url: server.url, poolSize: 2, statementTimeoutMs: 30_000 })
  const backend = async () => Number((await db.query('select pg_backend_pid() as pid'))[0]?.pid)
  try {
    const all = new Set(await Promise.all([backend(), backend(), backend()]))
    expect(all.size).toBe(3)
    const first = await backend()
    for (let again = 0; again < 5; again += 1) expect(await backend()).toBe(first)

    await db.orm.execute(sql`select pg_terminate_backend(${first}, 5000)`)
    // The first may be sent while the client has not yet heard of it.
    await until(async () => await backend().catch(() => first) !== first)
    const second = await backend()
    expect(all).toContain(second)
    expect(await backend()).toBe(second)
  } finally {
    await db.close()
    await server.stop()
  }
})

test.runIf(inject('database') === 'postgres')('a connection that opens after a silence and then loses what is said keeps nobody waiting: new ones are made until one is answered', async () => {
  const { url, drop } = await createPostgresDatabase()
  const proxy = await startLossyProxy(url)
  const direct = openPostgres({ url, poolSize: 1, statementTimeoutMs: 30_000 })
  const silences: unknown[] = []
  const db = openPostgres({ url: proxy.url, poolSize: 1, statementTimeoutMs: 30_000, deadlineMs: 2_000, onSilence: error => silences.push(error) })
  const answered = async () => (await db.query('select 2 as two').catch(() => [])).length === 1
  // What the driver asks each connection first.
  const probed = async () => (await direct.query(`select from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() and query like '%pg_type%'`)).length > 0
  try {
    expect(await answered()).toBe(true)
    proxy.loseEverything()
    await expect(db.query('select 2 as two')).rejects.toThrow(DatabaseSilentError)
    await until(probed, { what: () => 'a new connection to be probed' })
    await expect(db.query('select 2 as two')).rejects.toThrow(DatabaseSilentError)
    proxy.open()
    await until(answered, { what: () => 'statements to be answered again' })
    expect(silences).toHaveLength(1)

    proxy.loseEverything()
    expect(await answered()).toBe(false)
    await until(probed, { what: () => 'a new connection to be probed' })
    await db.close()
  } finally {
    await db.close()
    await direct.close()
    await proxy.stop()
    await drop()
  }
})
