import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { InvitationList, MemberPage } from '../../../shared/identity'
import type { MemberRole } from '../../../shared/identity'
import { ApiKey, CreatedApiKey } from '../../../shared/keys'
import { PlatformUserPage } from '../../../shared/platform'
import type { LoomServer } from '../../support/loom-server'
import { beginCall } from '../../support/slow-sender'
import { startLoom } from '../../support/start-loom'
import { join, setUp, Visitor } from '../../support/visitor'

let loom: LoomServer
let owner: Visitor

beforeAll(async () => {
  loom = await startLoom()
  owner = await setUp(loom)
})
afterAll(() => loom?.remove())

const Org = z.object({ slug: z.string() })

const members = async () => MemberPage.parse((await owner.succeed('GET', '/api/orgs/current/members')).body).members
const memberOf = async (email: string) => {
  const member = (await members()).find(member => member.email === email)
  if (!member) throw new Error(`${email} is no member`)
  return member
}
const setRole = async (email: string, role: MemberRole) => owner.succeed('PATCH', `/api/orgs/current/members/${(await memberOf(email)).id}`, { role })
const removeFromOrg = async (email: string) => owner.succeed('DELETE', `/api/orgs/current/members/${(await memberOf(email)).id}`)
const createKey = async (visitor: Visitor, input: object) => CreatedApiKey.parse((await visitor.succeed('POST', '/api/keys', { name: 'test', ...input })).body)
const refused = { status: 403, text: expect.stringContaining('just changed') }

describe('an API key, of an owner and without any bound, leaves nobody with more than they had', () => {
  let key: Visitor
  beforeAll(async () => {
    const { key: secret } = await createKey(owner, { scopes: ['workspace'] })
    key = new Visitor(loom, { authorization: `Bearer ${secret}` })
    await join(owner, 'accomplice@example.com', 'viewer')
  })

  test('it invites nobody', async () => {
    expect(await key.call('POST', '/api/orgs/current/invitations', { email: 'me@example.com', role: 'owner' })).toMatchObject({ status: 403, body: { error: { message: expect.stringContaining('API key') } } })
    expect(InvitationList.parse((await key.succeed('GET', '/api/orgs/current/invitations')).body).invitations).toEqual([])
  })

  test('it changes nobody’s role', async () => {
    const { id } = await memberOf('accomplice@example.com')
    expect(await key.call('PATCH', `/api/orgs/current/members/${id}`, { role: 'owner' })).toMatchObject({ status: 403, body: { error: { message: expect.stringContaining('API key') } } })
    expect((await memberOf('accomplice@example.com')).role).toBe('viewer')
  })
})

describe('whoever loses their role while the last byte of a call is yet to come', () => {
  test('does not take it back', async () => {
    const rogue = await join(owner, 'rogue@example.com', 'owner')
    const call = await beginCall(rogue, 'PATCH', `/api/orgs/current/members/${(await memberOf('rogue@example.com')).id}`, { role: 'owner' })
    await setRole('rogue@example.com', 'viewer')
    expect(await call.finish()).toMatchObject(refused)
    expect((await memberOf('rogue@example.com')).role).toBe('viewer')
  })

  test('gives it to nobody else once they are out', async () => {
    await join(owner, 'heir@example.com', 'viewer')
    const rogue = await join(owner, 'leaver@example.com', 'owner')
    const call = await beginCall(rogue, 'PATCH', `/api/orgs/current/members/${(await memberOf('heir@example.com')).id}`, { role: 'owner' })
    await removeFromOrg('leaver@example.com')
    expect(await call.finish()).toMatchObject(refused)
    expect((await memberOf('heir@example.com')).role).toBe('viewer')
  })

  test('gets no fresh secret of a service key', async () => {
    const rogue = await join(owner, 'rotator@example.com', 'admin')
    const service = await createKey(owner, { service: true })
    const call = await beginCall(rogue, 'POST', `/api/keys/${service.id}/rotate`, { overlapHours: 0 })
    await removeFromOrg('rotator@example.com')
    expect(await call.finish()).toMatchObject(refused)
    expect((await new Visitor(loom, { authorization: `Bearer ${service.key}` }).call('GET', '/v1/models')).status).toBe(200)
  })

  test('gives a key of theirs no more scopes', async () => {
    const rogue = await join(owner, 'widener@example.com', 'admin')
    const { id } = await createKey(rogue, { scopes: ['inference'] })
    const call = await beginCall(rogue, 'PATCH', `/api/keys/${id}`, { scopes: ['inference', 'billing', 'bodies'] })
    await setRole('widener@example.com', 'member')
    expect(await call.finish()).toMatchObject(refused)
    expect(ApiKey.parse((await owner.succeed('GET', `/api/keys/${id}`)).body).scopes).toEqual(['inference'])
  })

  test('does not delete the data key of the organisation', async () => {
    const { slug } = Org.parse((await owner.succeed('GET', '/api/orgs/current')).body)
    const rogue = await join(owner, 'eraser@example.com', 'owner')
    const call = await beginCall(rogue, 'DELETE', '/api/orgs/current/encryption-key', { confirm: slug })
    await removeFromOrg('eraser@example.com')
    expect(await call.finish()).toMatchObject(refused)
  })

  test('makes nobody a platform admin', async () => {
    const users = async () => PlatformUserPage.parse((await owner.succeed('GET', '/api/platform/users')).body).items
    const userOf = async (email: string) => (await users()).find(user => user.email === email)
    const rogue = await join(owner, 'platform@example.com', 'member')
    await join(owner, 'puppet@example.com', 'member')
    await owner.succeed('PATCH', `/api/platform/users/${(await userOf('platform@example.com'))?.id}`, { role: 'admin' })
    const call = await beginCall(rogue, 'PATCH', `/api/platform/users/${(await userOf('puppet@example.com'))?.id}`, { role: 'admin' })
    await owner.succeed('PATCH', `/api/platform/users/${(await userOf('platform@example.com'))?.id}`, { role: 'user' })
    expect((await call.finish()).status).toBe(403)
    expect(await userOf('puppet@example.com')).toMatchObject({ platformAdmin: false })
  })
})
