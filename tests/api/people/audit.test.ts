import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import type { Database } from '../../../db/client'
import { openDatabase } from '../../../db/connect-database'
import { recordChange } from '../../../server/audit/record'
import { verifyChains } from '../../../server/audit/verify-chains'
import { readConfig } from '../../../server/config'
import { AlertRule, AlertSettings, CreatedAlertWebhook } from '../../../shared/alerts'
import { AuditEntry, AuditPage } from '../../../shared/audit'
import { CreatedInvitation, MemberPage, OrgDetails } from '../../../shared/identity'
import { openTestDatabase, testDatabaseKind } from '../../support/database'
import type { LoomServer } from '../../support/loom-server'
import { seedWorkspace } from '../../support/seed-workspace'
import { startLoom } from '../../support/start-loom'
import { until } from '../../support/until'
import { verifyAuditOf } from '../../support/verify-audit'
import type { Visitor } from '../../support/visitor'
import { join, setUp, signUp } from '../../support/visitor'

const FORMULA = '=HYPERLINK("http://evil.example","open me")'

describe('the audit log', () => {
  let loom: LoomServer
  let owner: Visitor
  beforeAll(async () => {
    loom = await startLoom()
    owner = await setUp(loom)
    for (let index = 0; index < 12; index++) await owner.succeed('POST', '/api/keys', { name: `Key ${index}` })
    await owner.succeed('PATCH', '/api/orgs/current', { name: FORMULA })
    await owner.succeed('PATCH', '/api/orgs/current', { name: 'x\u202Egnp.exe <script>alert(1)</script>' })
  })
  afterAll(() => loom?.remove())

  const page = async (query: string) => AuditPage.parse((await owner.succeed('GET', `/api/audit?${query}`)).body)

  async function all(query: string) {
    const items: AuditEntry[] = []
    for (let cursor: string | null = ''; cursor !== null;) {
      const next: AuditPage = await page(`${query}&limit=5${cursor && `&cursor=${cursor}`}`)
      items.push(...next.items)
      cursor = next.nextCursor
    }
    return items
  }

  test('tells who changed what, from what to what, and from where', async () => {
    const [renamed] = (await page('action=org.update&limit=1')).items
    expect(renamed).toMatchObject({ actorName: 'Ada', action: 'org.update', before: { name: FORMULA }, after: { name: expect.stringContaining('<script>') }, ip: expect.stringMatching(/127\.0\.0\.1|::1/) })
  })

  test('is read page by page without a gap or a repeat, also while it grows', async () => {
    const first = await page('limit=5')
    await owner.succeed('POST', '/api/keys', { name: 'meanwhile' })
    const rest = await page(`limit=200&cursor=${first.nextCursor}`)
    const sequences = [...first.items, ...rest.items].map(({ sequence }) => sequence)
    expect(sequences).toEqual(Array.from({ length: sequences.length }, (_, index) => sequences.length - index))
  })

  test('is filtered by who, what, on what and when', async () => {
    const keys = await all('action=key')
    expect(keys.length).toBeGreaterThanOrEqual(12)
    expect(new Set(keys.map(({ action }) => action))).toEqual(new Set(['key.create']))
    expect(await all(`target=${keys[3]?.target}`)).toEqual([keys[3]])
    const { actor } = keys[0] ?? { actor: '' }
    expect((await all(`userId=${actor.slice('user:'.length)}`)).every(entry => entry.actor === actor)).toBe(true)
    expect(await all(`to=${keys.at(-1)?.createdAt}&action=key`)).toEqual([])
    expect((await owner.succeed('GET', '/api/audit/actions')).body).toEqual({ actions: expect.arrayContaining(['key.create', 'org.update']) })
  })

  test('answers what is no filter with the field at fault', async () => {
    for (const query of ['cursor=-1', 'cursor=1%20or%201', 'limit=0', 'limit=9999', 'userId=1', 'action=%27', 'from=yesterday', 'cursor=99999999999999999999']) {
      expect(await owner.call('GET', `/api/audit?${query}`), query).toMatchObject({ status: 400, body: { error: { param: query.split('=')[0] } } })
    }
  })

  test('is downloaded whole as CSV that no spreadsheet runs, and as JSON lines', async () => {
    const entries = await all('')
    const csv = String((await owner.succeed('GET', '/api/audit/export?format=csv')).body)
    expect(csv.trimEnd().split('\r\n')).toHaveLength(entries.length + 1)
    for (const cell of csv.match(/(?<=^|,)(?:"(?:[^"]|"")*"|[^,\r\n]*)/gm) ?? []) expect(cell).not.toMatch(/^"?[=+\-@\t\r]/)
    const answer = await owner.succeed('GET', '/api/audit/export?format=jsonl&action=org.update')
    expect(answer.headers.get('content-disposition')).toContain('audit.jsonl')
    expect(String(answer.body).trimEnd().split('\n').map(line => AuditEntry.parse(JSON.parse(line)))).toEqual(await all('action=org.update'))
  })

  test('is for admins, and of one\'s own org', async () => {
    const member = await join(owner, 'curious@example.com', 'member')
    expect((await member.call('GET', '/api/audit')).status).toBe(403)
    const outsider = await signUp(owner, 'outsider@example.com')
    const seen = JSON.stringify((await outsider.succeed('GET', '/api/audit?limit=200')).body)
    expect(seen).not.toContain('Key 1')
    expect(String((await outsider.succeed('GET', '/api/audit/export?format=jsonl')).body)).not.toContain('Key 1')
  })

  test('tells who made a project, and who moved a conversation to where other people may read it', async () => {
    const make = async (path: string, body: object) => z.object({ id: z.string() }).parse((await owner.succeed('POST', path, body)).body).id
    const [from, to] = [await make('/api/projects', { name: 'From', instructions: 'Be brief.' }), await make('/api/projects', { name: 'To' })]
    expect((await page(`target=project:${from}`)).items).toMatchObject([{ action: 'project.create', actorName: 'Ada', after: { name: 'From', instructions: 'Be brief.' } }])
    const [one, other, stays] = [await make(`/api/projects/${from}/conversations`, {}), await make(`/api/projects/${from}/conversations`, {}), await make(`/api/projects/${to}/conversations`, {})]
    await owner.succeed('PATCH', `/api/conversations/${one}`, { projectId: to })
    await owner.succeed('PATCH', `/api/conversations/${one}`, { projectId: to, pinned: true })
    await owner.succeed('POST', '/api/conversations/bulk', { action: 'move', ids: [other, stays], projectId: to })
    expect((await owner.call('POST', '/api/conversations/bulk', { action: 'move', ids: [one, crypto.randomUUID()], projectId: from })).status).toBe(404)
    const move = { actorName: 'Ada', before: { projectId: from }, after: { projectId: to } }
    expect((await page('action=conversation')).items).toMatchObject([{ ...move, target: `conversation:${other}` }, { ...move, target: `conversation:${one}` }])
  })

  test('tells of invitations that another change takes back', async () => {
    const inviter = await join(owner, 'inviter@example.com', 'admin')
    const member = MemberPage.parse((await owner.succeed('GET', '/api/orgs/current/members')).body).members.find(({ email }) => email === 'inviter@example.com')
    const invite = async (email: string) => CreatedInvitation.parse((await inviter.succeed('POST', '/api/orgs/current/invitations', { email, role: 'member' })).body).id
    const [replaced, dropped] = [await invite('guest@example.com'), await invite('guest@example.com')]
    await owner.succeed('PATCH', `/api/orgs/current/members/${member?.id}`, { role: 'viewer' })
    const before = { email: 'guest@example.com', role: 'member' }
    expect((await page('action=invitation.revoke')).items).toMatchObject([
      { actorName: 'Ada', target: `invitation:${dropped}`, before },
      { actor: `user:${member?.userId}`, target: `invitation:${replaced}`, before }
    ])
  })

  test('tells of rules that a deleted webhook is taken out of', async () => {
    const hook = async (name: string) => CreatedAlertWebhook.parse((await owner.succeed('POST', '/api/alerts/webhooks', { name, url: 'https://example.com/alerts' })).body).id
    const rule = async (webhookIds: string[]) => AlertRule.parse((await owner.succeed('POST', '/api/alerts/rules', { name: 'Low', condition: { kind: 'wallet', belowUsd: '5' }, webhookIds })).body).id
    const [gone, kept] = [await hook('gone'), await hook('kept')]
    const [naming] = [await rule([gone, kept]), await rule([kept])]
    await owner.succeed('DELETE', `/api/alerts/webhooks/${gone}`)
    expect((await page('action=alert_rule.update')).items).toMatchObject([{ target: `alert_rule:${naming}`, before: { webhookIds: [gone, kept] }, after: { webhookIds: [kept] } }])
    const { rules } = AlertSettings.parse((await owner.succeed('GET', '/api/alerts')).body)
    expect(rules.map(({ webhookIds }) => webhookIds)).toEqual([[kept], [kept]])
  })

  // The embedded database runs one transaction at a time.
  test.runIf(testDatabaseKind === 'postgres')('is written by two at once, of whom one changes the organisation itself', async () => {
    const { id: orgId } = OrgDetails.parse((await owner.succeed('GET', '/api/orgs/current')).body)
    const db = await openDatabase(readConfig({ ...loom.env }))
    const renamed = await db.transaction(async (query) => {
      await query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [`audit:${orgId}`])
      const renaming = owner.succeed('PATCH', '/api/orgs/current', { name: 'Renamed' })
      await until(async () => (await db.query(`select from pg_locks where locktype = 'advisory' and not granted and database = (select oid from pg_database where datname = current_database())`)).length > 0, { what: () => 'the change to stand before the log' })
      // As each entry does, which names its organisation.
      await query('select from orgs where id = $1 for key share nowait', [orgId])
      return { renaming }
    })
    expect((await renamed.renaming).status).toBe(200)
    await db.close()
  })

  test('audit:verify proves it whole, and exits non-zero once a row was changed behind its back', async () => {
    await loom.stop()
    expect(await verifyAuditOf(loom)).toContain('The audit log is whole')
    const db = await openDatabase(readConfig({ ...loom.env }))
    await tamper(db, `update audit_logs set actor = 'user:nobody' where sequence = 3`)
    await db.close()
    await expect(verifyAuditOf(loom)).rejects.toMatchObject({ code: expect.toSatisfy(code => code !== 0), stderr: expect.stringMatching(/entry 3: it was changed/) })
  })
})

/** As somebody with the database's own password could. */
async function tamper(db: Database, statement: string): Promise<void> {
  await db.orm.transaction(async (transaction) => {
    await transaction.execute(sql`alter table audit_logs disable trigger user`)
    await transaction.execute(sql.raw(statement))
    await transaction.execute(sql`alter table audit_logs enable trigger user`)
  })
}

describe('tampering shows', () => {
  let db: Database
  beforeAll(async () => {
    db = await openTestDatabase()
  })
  afterAll(() => db.close())

  async function writeLog() {
    const { orgId, principal } = await seedWorkspace(db.orm)
    for (let index = 1; index <= 6; index++) await db.orm.transaction(orm => recordChange(orm, { principal, ip: '192.0.2.1' }, { action: 'thing.change', target: `thing:${index}`, before: { n: index - 1 }, after: { n: index } }))
    const fault = async () => (await Array.fromAsync(verifyChains(db.orm))).find(report => report.orgId === orgId)?.fault
    expect(await fault()).toBeUndefined()
    return { fault, tamper: (statement: string) => tamper(db, statement.replaceAll('ORG', `'${orgId}'`)) }
  }

  test.each([
    ['an entry that was edited', `update audit_logs set after = '{"n": 99}' where org_id = ORG and sequence = 4`, 4],
    ['an entry whose time was moved', `update audit_logs set created_at = created_at - interval '1 day' where org_id = ORG and sequence = 2`, 2],
    ['an entry that was deleted', `delete from audit_logs where org_id = ORG and sequence = 3`, 3],
    ['the first entry, deleted', `delete from audit_logs where org_id = ORG and sequence = 1`, 1],
    ['the newest entries, deleted', `delete from audit_logs where org_id = ORG and sequence > 4`, 5],
    ['two entries that changed places', `update audit_logs set sequence = 105 where org_id = ORG and sequence = 5; update audit_logs set sequence = 5 where org_id = ORG and sequence = 6; update audit_logs set sequence = 6 where org_id = ORG and sequence = 105`, 5],
    ['one deleted and the rest moved up', `delete from audit_logs where org_id = ORG and sequence = 2; update audit_logs set sequence = sequence - 1 where org_id = ORG and sequence > 2`, 2]
  ])('%s', async (_what, statement, sequence) => {
    const { fault, tamper } = await writeLog()
    for (const part of statement.split('; ')) await tamper(part)
    expect(await fault()).toMatchObject({ sequence })
  })

  test('and the database refuses it to begin with', async () => {
    await writeLog()
    for (const statement of [`update audit_logs set actor = 'x'`, 'delete from audit_logs', 'truncate audit_logs', `select set_config('loom.purging', 'no such org', false)`, 'delete from audit_logs']) {
      const attempt = db.orm.execute(sql.raw(statement))
      await (statement.startsWith('select') ? attempt : expect(attempt).rejects.toThrow())
    }
  })
})
