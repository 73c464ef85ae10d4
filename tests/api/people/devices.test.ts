import { afterAll, beforeAll, expect, test } from 'vitest'
import { SignedInDevices } from '../../../shared/identity'
import type { LoomServer } from '../../support/loom-server'
import { startLoom } from '../../support/start-loom'
import type { Visitor } from '../../support/visitor'
import { join, setUp, signInAs } from '../../support/visitor'

let loom: LoomServer
let owner: Visitor
beforeAll(async () => {
  loom = await startLoom()
  owner = await setUp(loom)
})
afterAll(() => loom?.remove())

const devices = async (visitor: Visitor) => SignedInDevices.parse((await visitor.succeed('GET', '/api/session/devices')).body).devices
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
