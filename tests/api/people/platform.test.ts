import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { openDatabase } from '../../../db/connect-database'
import { readConfig } from '../../../server/config'
import { CreatedApiKey } from '../../../shared/keys'
import { CreatedOrg, PlatformOrgPage, PlatformStatus, PlatformUserPage } from '../../../shared/platform'
import { checkLedgerOf } from '../../support/check-ledger'
import type { LoomServer } from '../../support/loom-server'
import { startMockUpstream } from '../../support/mock-upstream'
import { admin } from '../../support/set-up-loom'
import { startLoom } from '../../support/start-loom'
import { until } from '../../support/until'
import { verifyAuditOf } from '../../support/verify-audit'
import { join, PASSWORD, setUp, signInAs, signUp, Visitor } from '../../support/visitor'

let loom: LoomServer
let owner: Visitor
beforeAll(async () => {
  loom = await startLoom({ env: { NEW_ORG_WALLET: 'unlimited', AUTH_FAILURES_PER_MINUTE: '100000' } })
  owner = await setUp(loom)
})
afterAll(() => loom?.remove())

const Session = z.object({ role: z.string().nullable(), user: z.object({ id: z.string() }).nullable(), org: z.object({ id: z.string(), slug: z.string() }).nullable(), platformAdmin: z.boolean() })
const session = async (visitor: Visitor) => Session.parse((await visitor.succeed('GET', '/api/session')).body)
const userId = async (visitor: Visitor) => (await session(visitor)).user?.id ?? ''

/** Somebody with an org of their own, and a key in it that was used, so that it is cached. */
async function tenant(email: string) {
  const visitor = await signUp(owner, email)
  const { org } = await session(visitor)
  const { key } = CreatedApiKey.parse((await visitor.succeed('POST', '/api/keys', { name: 'cached', scopes: ['inference', 'workspace'] })).body)
  const call = async () => (await fetch(`${loom.url}/v1/chat/completions`, { method: 'POST', headers: { authorization: `Bearer ${key}` }, body: JSON.stringify({ model: 'demo', messages: [{ role: 'user', content: 'Hi' }] }) })).status
  const workspace = async () => (await new Visitor(loom, { authorization: `Bearer ${key}` }).call('GET', '/api/projects')).status
  expect([await call(), await workspace()]).toEqual([200, 200])
  return { visitor, orgId: org?.id ?? '', slug: org?.slug ?? '', call, workspace }
}

/** Has a call of theirs counted in a budget of the platform, which is lifted again: what it took, nano-USD. */
async function spendOfPlatformBudget(visitor: Visitor): Promise<bigint> {
  const { key } = CreatedApiKey.parse((await visitor.succeed('POST', '/api/keys', { name: 'spender', scopes: ['inference', 'billing'] })).body)
  const body = { model: 'demo', messages: [{ role: 'user', content: 'Hi' }] }
  const post = (path: string, sent: object) => fetch(`${loom.url}/v1/${path}`, { method: 'POST', headers: { 'authorization': `Bearer ${key}`, 'x-billing-amount': '0.01' }, body: JSON.stringify(sent) })
  await owner.succeed('PUT', '/api/platform/policy', { policy: { budgets: { total: '10' } } })
  await until(async () => (await (await post('policy/check', { endpoint: '/v1/chat/completions', body })).text()).includes('budget_total'), { what: () => 'the budget to be heeded' })
  expect((await post('chat/completions', body)).status).toBe(200)
  await owner.succeed('PUT', '/api/platform/policy', { policy: {} })
  return 10_000_000n
}

const isIn = async (visitor: Visitor) => (await visitor.call('GET', '/api/projects')).status === 200
const orgs = async (query: string) => PlatformOrgPage.parse((await owner.succeed('GET', `/api/platform/orgs?${query}`)).body).items

describe('an org that is deactivated', () => {
  test('is shut within a second to its members, and to keys that were cached; and opens again as it was', async () => {
    const { visitor, orgId, call, workspace } = await tenant('deactivated@example.com')
    await owner.succeed('PATCH', `/api/platform/orgs/${orgId}`, { status: 'inactive' })
    expect([await isIn(visitor), await workspace()]).toEqual([false, 401])
    await until(async () => await call() === 401, { what: () => 'the cached key to be refused' })
    expect(await orgs('state=inactive')).toMatchObject([{ id: orgId, state: 'inactive' }])
    expect(await new Visitor(loom).call('POST', '/api/auth/sign-in/email', { email: 'deactivated@example.com', password: PASSWORD })).toMatchObject({ status: 403, body: { error: { message: expect.stringContaining('organisation is deactivated') } } })
    await owner.succeed('PATCH', `/api/platform/orgs/${orgId}`, { status: 'active' })
    expect([await isIn(visitor), await workspace()]).toEqual([true, 200])
    await until(async () => await call() === 200, { what: () => 'the key to work again' })
  })

  test('is never the one its platform admin is in', async () => {
    const { org } = await session(owner)
    for (const [method, path, body] of [['PATCH', '', { status: 'inactive' }], ['DELETE', '', undefined]] as const) {
      expect((await owner.call(method, `/api/platform/orgs/${org?.id}${path}`, body)).status).toBe(409)
    }
  })
})

describe('an org that is deleted', () => {
  test('is kept, and restored with all that was in it', async () => {
    const { visitor, orgId, call } = await tenant('deleted@example.com')
    await owner.succeed('DELETE', `/api/platform/orgs/${orgId}`)
    expect(await isIn(visitor)).toBe(false)
    await until(async () => await call() === 401)
    expect(await orgs('state=deleted')).toMatchObject([{ id: orgId, state: 'deleted' }])
    await owner.succeed('POST', `/api/platform/orgs/${orgId}/restore`)
    expect(await isIn(visitor)).toBe(true)
    await until(async () => await call() === 200)
  })

  test('by its owner only when they type its slug, and never by an admin', async () => {
    const { visitor, orgId, slug } = await tenant('own-danger@example.com')
    const colleague = await join(visitor, 'colleague@example.com', 'admin')
    expect((await colleague.call('DELETE', '/api/orgs/current', { confirm: slug })).status).toBe(403)
    expect((await visitor.call('DELETE', '/api/orgs/current', { confirm: `${slug}x` })).status).toBe(400)
    await visitor.succeed('DELETE', '/api/orgs/current', { confirm: slug })
    expect(await isIn(visitor)).toBe(false)
    expect((await orgs(`search=${slug}`))[0]).toMatchObject({ id: orgId, state: 'deleted' })
  })

  test('is purged only after that, with its slug typed, and leaves nothing but a line in the log of who did it', async () => {
    const { visitor, orgId, slug } = await tenant('purged@example.com')
    const project = z.object({ projects: z.array(z.object({ id: z.string() })) }).parse((await visitor.succeed('GET', '/api/projects')).body).projects[0]
    const conversation = z.object({ id: z.string() }).parse((await visitor.succeed('POST', `/api/projects/${project?.id}/conversations`, { model: 'demo' })).body)
    await visitor.succeed('POST', `/api/conversations/${conversation.id}/messages`, { text: 'hello' })
    await visitor.succeed('POST', '/api/connections', { kind: 'openai', name: 'theirs', secret: 'sk-theirs' })
    await owner.succeed('POST', `/api/platform/orgs/${orgId}/funds`, { amountUsd: '5', refId: 'to-be-purged' })
    const spent = await spendOfPlatformBudget(visitor)
    const purge = (confirm: string) => owner.call('POST', `/api/platform/orgs/${orgId}/purge`, { confirm })
    expect((await purge(slug)).status).toBe(409)
    await owner.succeed('DELETE', `/api/platform/orgs/${orgId}`)
    expect((await purge('something else')).status).toBe(400)
    expect((await purge(slug)).status).toBe(204)
    expect((await purge(slug)).status).toBe(404)
    expect((await owner.succeed('GET', `/api/audit?target=org:${orgId}`)).body).toMatchObject({ items: [{ action: 'org.purge', before: { slug, auditHead: expect.any(String) } }] })
    await loom.stop()
    const db = await openDatabase(readConfig({ ...loom.env }))
    const tables = await db.query(`select table_name as name from information_schema.columns where column_name = 'org_id' and table_schema = 'public'`)
    for (const { name } of tables) expect(await db.query(`select count(*) from ${String(name)} where org_id = $1`, [orgId]), String(name)).toEqual([{ count: 0n }])
    // No purge gives the platform's budget back.
    expect(await db.query('select spent, purged, held from budget_windows where org_id is null')).toEqual([{ spent, purged: spent, held: 0n }])
    await db.close()
    expect(await checkLedgerOf(loom)).toContain('The ledger is exact')
    expect(await verifyAuditOf(loom)).toContain('The audit log is whole')
    await loom.start()
  })
})

test('an org whose call is under way is purged once that has ended', async () => {
  const upstream = await startMockUpstream()
  try {
    const { visitor, orgId, slug } = await tenant('running@example.com')
    await owner.succeed('POST', '/api/connections', { kind: 'openai', name: 'stalls', baseUrl: upstream.baseUrl, secret: 'sk-stalls', platform: true })
    const { key } = CreatedApiKey.parse((await visitor.succeed('POST', '/api/keys', { name: 'caller', scopes: ['inference'] })).body)
    upstream.respondWith({ fault: 'never-answers' })
    const abort = new AbortController()
    const call = fetch(`${loom.url}/v1/chat/completions`, { method: 'POST', headers: { authorization: `Bearer ${key}` }, body: JSON.stringify({ model: 'stalls/gpt-4o-mini', messages: [{ role: 'user', content: 'Hi' }] }), signal: abort.signal }).catch(() => undefined)
    await upstream.received()
    await owner.succeed('DELETE', `/api/platform/orgs/${orgId}`)
    const purge = () => owner.call('POST', `/api/platform/orgs/${orgId}/purge`, { confirm: slug })
    expect(await purge()).toMatchObject({ status: 409, body: { error: { code: 'conflict', message: expect.stringContaining('under way') } } })
    expect(await orgs(`search=${slug}`)).toMatchObject([{ id: orgId, state: 'deleted' }])
    const purges = async () => (await owner.succeed('GET', `/api/audit?action=org.purge&target=org:${orgId}`)).body
    expect(await purges()).toMatchObject({ items: [] })
    abort.abort()
    await call
    expect((await purge()).status).toBe(204)
    expect(await purges()).toMatchObject({ items: [{ action: 'org.purge' }] })
    expect(await orgs(`search=${slug}`)).toEqual([])
  } finally {
    await upstream.stop()
  }
})

test('a platform admin makes an org for somebody, who gets in by the link alone', async () => {
  const { id, invitationUrl } = CreatedOrg.parse((await owner.succeed('POST', '/api/platform/orgs', { name: 'Made <b>for</b> you', ownerEmail: 'founder@example.com' })).body)
  expect((await owner.call('POST', '/api/session/org', { orgId: id })).status).toBe(404)
  const founder = new Visitor(loom)
  const token = new URL(invitationUrl ?? '').pathname.split('/').at(-1)
  await founder.succeed('POST', `/api/invitations/${token}/accept`, { name: 'Founder', password: PASSWORD })
  expect(await session(founder)).toMatchObject({ org: { id }, role: 'owner', platformAdmin: false })
})

describe('a user who is deactivated', () => {
  test('is out in every session and with every key at once, stays out, and is let in again', async () => {
    const { visitor, call, workspace } = await tenant('barred@example.com')
    const phone = await signInAs(loom, 'barred@example.com')
    const path = `/api/platform/users/${await userId(visitor)}`
    await owner.succeed('PATCH', path, { active: false })
    expect([await isIn(visitor), await isIn(phone), await workspace()]).toEqual([false, false, 401])
    await until(async () => await call() === 401)
    expect(await new Visitor(loom).call('POST', '/api/auth/sign-in/email', { email: 'barred@example.com', password: PASSWORD })).toMatchObject({ status: 403, body: { error: { message: expect.stringContaining('deactivated') } } })
    expect((await new Visitor(loom).call('POST', '/api/auth/sign-in/email', { email: 'barred@example.com', password: 'wrong password' })).status).toBe(401)
    await owner.succeed('PATCH', path, { active: true })
    expect(await isIn(await signInAs(loom, 'barred@example.com'))).toBe(true)
    await until(async () => await call() === 200)
  })

  test('is never oneself; and of two platform admins who take the power from each other at once, one keeps it', async () => {
    const second = await join(owner, 'second-admin@example.com', 'member')
    await owner.succeed('PATCH', `/api/platform/users/${await userId(second)}`, { role: 'admin' })
    expect((await session(second)).platformAdmin).toBe(true)
    expect((await owner.call('PATCH', `/api/platform/users/${await userId(owner)}`, { active: false })).status).toBe(409)
    const [ofOwner, ofSecond] = [await userId(owner), await userId(second)]
    const answers = await Promise.all([owner.call('PATCH', `/api/platform/users/${ofSecond}`, { role: 'user' }), second.call('PATCH', `/api/platform/users/${ofOwner}`, { role: 'user' })])
    const admins = (await Promise.all([session(owner), session(second)])).filter(({ platformAdmin }) => platformAdmin)
    expect(admins.length, JSON.stringify(answers.map(({ status }) => status))).toBeGreaterThanOrEqual(1)
    // Whoever kept it gives the first admin theirs back, for the tests to come.
    if (!(await session(owner)).platformAdmin) await second.succeed('PATCH', `/api/platform/users/${ofOwner}`, { role: 'admin' })
    await owner.succeed('PATCH', `/api/platform/users/${ofSecond}`, { role: 'user' })
    expect((await second.call('GET', '/api/platform/users')).status).toBe(403)
  })
})

test('users are found by a part of their name or address, in which no character means anything else', async () => {
  await join(owner, 'under_score@example.com', 'viewer')
  const found = async (search: string) => PlatformUserPage.parse((await owner.succeed('GET', `/api/platform/users?search=${encodeURIComponent(search)}`)).body).items.map(({ email }) => email)
  expect(await found('UNDER_SCORE')).toEqual(['under_score@example.com'])
  expect(await found('under%score')).toEqual([])
  expect(await found(admin.email)).toEqual([admin.email])
  expect((await owner.call('GET', '/api/platform/users?cursor=1')).status).toBe(400)
})

test('the status tells of this replica, its jobs and the database', async () => {
  const status = PlatformStatus.parse((await owner.succeed('GET', '/api/platform/status')).body)
  expect(status.replicas).toMatchObject([{ current: true, alive: true, version: status.version }])
  expect(status.database.sizeBytes).toBeGreaterThan(1_000_000)
  expect(status.jobs.map(({ name }) => name)).toContain('heartbeat')
})
