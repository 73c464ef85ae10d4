import { afterAll, beforeAll, expect, test } from 'vitest'
import { AuditPage } from '../../../shared/audit'
import { MemberPage, SignedInDevices } from '../../../shared/identity'
import { PlatformUserPage } from '../../../shared/platform'
import type { LoomServer } from '../../support/loom-server'
import { admin as firstAdmin } from '../../support/set-up-loom'
import { startLoom } from '../../support/start-loom'
import type { Visitor } from '../../support/visitor'
import { join, setUp, signInAs, signUp } from '../../support/visitor'

let loom: LoomServer
let owner: Visitor
beforeAll(async () => {
  loom = await startLoom()
  owner = await setUp(loom)
})
afterAll(() => loom?.remove())

const devices = async (visitor: Visitor) => SignedInDevices.parse((await visitor.succeed('GET', '/api/session/devices')).body).devices
const memberOf = async (visitor: Visitor, email: string) => {
  const { members } = MemberPage.parse((await visitor.succeed('GET', '/api/orgs/current/members')).body)
  return members.find(member => member.email === email) ?? fail(`${email} is no member`)
}
const isIn = async (visitor: Visitor) => (await visitor.call('GET', '/api/projects')).status === 200

test('a user sees where they are signed in, and ends one session: it is refused at once, the others go on', async () => {
  const phone = await join(owner, 'two-devices@example.com', 'member')
  const laptop = await signInAs(loom, 'two-devices@example.com')
  const listed = await devices(laptop)
  expect(listed.map(({ current }) => current)).toEqual([true, false])
  await laptop.succeed('DELETE', `/api/session/devices/${listed[1]?.id}`)
  expect([await isIn(phone), await isIn(laptop)]).toEqual([false, true])
  expect(await devices(laptop)).toHaveLength(1)
})

test('a user ends all their sessions but this one', async () => {
  await join(owner, 'everywhere@example.com', 'viewer')
  const [first, second, here] = [await signInAs(loom, 'everywhere@example.com'), await signInAs(loom, 'everywhere@example.com'), await signInAs(loom, 'everywhere@example.com')]
  await here.succeed('DELETE', '/api/session/devices')
  expect([await isIn(first), await isIn(second), await isIn(here)]).toEqual([false, false, true])
})

test('nobody sees or ends another\'s session, and no list holds a token', async () => {
  const other = await join(owner, 'other@example.com', 'admin')
  const [theirs] = await devices(other)
  expect((await owner.call('DELETE', `/api/session/devices/${theirs?.id}`)).status).toBe(404)
  expect(await isIn(other)).toBe(true)
  const token = decodeURIComponent(other.cookie).split('=')[1]?.split('.')[0] ?? 'none'
  expect(JSON.stringify(await devices(other))).not.toContain(token)
  for (const path of ['list-sessions', 'revoke-session', 'revoke-sessions']) expect((await other.call('POST', `/api/auth/${path}`, {})).status).toBe(404)
})

test('whoever is removed has lost the org in every session they have, and keeps what is theirs', async () => {
  const phone = await join(owner, 'removed@example.com', 'member')
  const laptop = await signInAs(loom, 'removed@example.com')
  const { orgId } = await orgOf(owner)
  await laptop.succeed('POST', '/api/session/org', { orgId })
  const { body } = await owner.succeed('GET', '/api/orgs/current/members')
  const member = JSON.stringify(body).match(/"id":"([^"]+)","userId":"[^"]+","name":"removed"/)?.[1]
  await owner.succeed('DELETE', `/api/orgs/current/members/${member}`)
  for (const visitor of [phone, laptop]) {
    expect((await orgOf(visitor)).orgId).not.toBe(orgId)
    expect((await visitor.call('POST', '/api/session/org', { orgId })).status).toBe(404)
  }
})

async function orgOf(visitor: Visitor): Promise<{ orgId: string }> {
  const { body } = await visitor.succeed('GET', '/api/orgs/current')
  return { orgId: String(new Map(Object.entries(body ?? {})).get('id')) }
}

test('an admin logs a member out everywhere: every session of theirs is refused at once, their next login is not; the log says who did it', async () => {
  const admin = await join(owner, 'lost-laptop-admin@example.com', 'admin')
  const phone = await join(owner, 'lost-laptop@example.com', 'member')
  const laptop = await signInAs(loom, 'lost-laptop@example.com')
  const member = await memberOf(owner, 'lost-laptop@example.com')
  expect(member.signIn?.sessions).toBe(2)
  await admin.succeed('DELETE', `/api/orgs/current/members/${member.id}/sessions`)
  expect([await isIn(phone), await isIn(laptop), await isIn(admin)]).toEqual([false, false, true])
  expect((await memberOf(owner, 'lost-laptop@example.com')).signIn?.sessions).toBe(0)
  expect(await isIn(await signInAs(loom, 'lost-laptop@example.com'))).toBe(true)
  const { items: [entry] } = AuditPage.parse((await owner.succeed('GET', '/api/audit?action=session.revoke_all')).body)
  expect(entry).toMatchObject({ actorName: 'lost-laptop-admin', target: `user:${member.userId}`, before: { sessions: 2 } })
})

test.each(['member', 'viewer'] as const)('a %s is told of nobody else how they sign in, an admin of everybody', async (role) => {
  const [email, adminEmail] = [`curious-${role}@example.com`, `admin-beside-${role}@example.com`]
  const [curious, admin] = [await join(owner, email, role), await join(owner, adminEmail, 'admin')]
  const { body } = await curious.succeed('GET', '/api/orgs/current/members')
  const { members } = MemberPage.parse(body)
  expect(members.map(member => member.email)).toEqual(expect.arrayContaining([firstAdmin.email, email, adminEmail]))
  for (const member of members) expect(member.signIn, member.email).toEqual(member.email === email ? { twoFactor: false, lastLoginAt: expect.any(String), sessions: 1 } : null)
  expect(JSON.stringify(body).match(/twoFactor|lastLogin|sessions/g)).toHaveLength(3)
  for (const seen of [email, firstAdmin.email]) expect((await memberOf(admin, seen)).signIn, seen).not.toBeNull()
})

test('nobody logs out somebody above them', async () => {
  const admin = await join(owner, 'below@example.com', 'admin')
  const above = await memberOf(owner, firstAdmin.email)
  expect((await admin.call('DELETE', `/api/orgs/current/members/${above.id}/sessions`)).status).toBe(403)
  expect(await isIn(owner)).toBe(true)
})

test('a platform admin logs a user of another org out', async () => {
  const other = await signUp(owner, 'elsewhere@example.com')
  const { items } = PlatformUserPage.parse((await owner.succeed('GET', '/api/platform/users?search=elsewhere@example.com')).body)
  await owner.succeed('DELETE', `/api/platform/users/${items[0]?.id}/sessions`)
  expect(await isIn(other)).toBe(false)
  expect(await isIn(await signInAs(loom, 'elsewhere@example.com'))).toBe(true)
})

function fail(message: string): never {
  throw new Error(message)
}
