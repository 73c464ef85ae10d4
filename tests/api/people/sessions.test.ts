import postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createPostgresDatabase, testDatabaseKind } from '../../support/database'
import { startLoomServer } from '../../support/loom-server'
import type { LoomServer } from '../../support/loom-server'
import type { Visitor } from '../../support/visitor'
import { join, setUp } from '../../support/visitor'

const DAY_MS = 24 * 60 * 60 * 1_000

/** What only time brings about, brought about in the database. */
describe.runIf(testDatabaseKind === 'postgres')('a session', () => {
  let drop: () => Promise<void>
  let sql: postgres.Sql
  let loom: LoomServer
  let owner: Visitor

  beforeAll(async () => {
    const database = await createPostgresDatabase()
    drop = database.drop
    sql = postgres(database.url, { max: 1 })
    loom = await startLoomServer({ env: { DATABASE_URL: database.url } })
    owner = await setUp(loom)
  })
  afterAll(async () => {
    await loom?.remove()
    await sql?.end()
    await drop?.()
  })

  const projects = (visitor: Visitor) => visitor.call('GET', '/api/projects')
  const sessionOf = async (email: string) => {
    const [row] = await sql`select auth_sessions.id, token, expires_at from auth_sessions join users on users.id = user_id where email = ${email}`
    return row && { id: String(row.id), token: String(row.token), daysLeft: (Number(row.expires_at) - Date.now()) / DAY_MS }
  }
  const leave = (email: string, days: number) => sql`update auth_sessions set expires_at = now() + ${days} * interval '1 day' from users where users.id = user_id and email = ${email}`

  test('that is used is prolonged once a day, with its cookie', async () => {
    const visitor = await join(owner, 'used@example.com', 'member')
    await leave('used@example.com', 29.1)
    expect((await projects(visitor)).headers.getSetCookie()).toEqual([])
    expect((await sessionOf('used@example.com'))?.daysLeft).toBeLessThan(29.2)
    await leave('used@example.com', 28.9)
    const prolonged = await projects(visitor)
    expect(prolonged.status).toBe(200)
    expect(prolonged.headers.getSetCookie().join()).toMatch(/^loom\.session_token=[^;]+;.*Max-Age=2592000/)
    expect((await sessionOf('used@example.com'))?.daysLeft).toBeGreaterThan(29.9)
    expect((await projects(visitor)).headers.getSetCookie()).toEqual([])
  })

  test('that nobody used for a month is over: it is refused, and its cookie is taken away', async () => {
    const visitor = await join(owner, 'unused@example.com', 'member')
    await leave('unused@example.com', -0.001)
    const refused = await projects(visitor)
    expect(refused.status).toBe(401)
    expect(refused.headers.getSetCookie().join()).toMatch(/^loom\.session_token=;.*Max-Age=0/)
    expect(await sessionOf('unused@example.com')).toBeUndefined()
  })

  test('is nobody\'s by its token alone: the cookie has to be signed', async () => {
    await join(owner, 'guessed@example.com', 'member')
    const session = await sessionOf('guessed@example.com')
    const signature = `${'A'.repeat(43)}=`
    for (const value of [session?.token, `${session?.token}.${signature}`, encodeURIComponent(`${session?.token}.${signature}`)]) {
      const response = await fetch(`${loom.url}/api/projects`, { headers: { cookie: `loom.session_token=${value}` } })
      expect(response.status).toBe(401)
    }
  })

  test('ends with what it stood for: its row, its user, its place in the org', async () => {
    const removed = await join(owner, 'row@example.com', 'member')
    await sql`delete from auth_sessions using users where users.id = user_id and email = 'row@example.com'`
    expect((await projects(removed)).status).toBe(401)
    const gone = await join(owner, 'gone@example.com', 'member')
    await sql`delete from users where email = 'gone@example.com'`
    expect((await projects(gone)).status).toBe(401)
    const alone = await join(owner, 'alone@example.com', 'member')
    await sql`delete from org_members using users where users.id = user_id and email = 'alone@example.com'`
    expect((await projects(alone)).status).toBe(401)
    // As is left where somebody logs in at the moment they are deactivated.
    const deactivated = await join(owner, 'deactivated@example.com', 'member')
    await sql`update users set deactivated_at = now() where email = 'deactivated@example.com'`
    expect((await projects(deactivated)).status).toBe(401)
    // Nor are they in again, on that device, once they are let back.
    await sql`update users set deactivated_at = null where email = 'deactivated@example.com'`
    expect((await projects(deactivated)).status).toBe(401)
  })
})
