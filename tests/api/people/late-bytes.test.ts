import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { Wallet } from '../../../shared/billing'
import { MemberPage } from '../../../shared/identity'
import { CreatedApiKey } from '../../../shared/keys'
import { PlatformUserPage } from '../../../shared/platform'
import type { LoomServer } from '../../support/loom-server'
import { beginCall } from '../../support/slow-sender'
import { startLoom } from '../../support/start-loom'
import { join, setUp, Visitor } from '../../support/visitor'

let loom: LoomServer
let owner: Visitor
let orgId: string
let projectId: string

const Named = z.object({ id: z.string() })
const Projects = z.object({ projects: z.array(Named).min(1) })

beforeAll(async () => {
  loom = await startLoom()
  owner = await setUp(loom)
  orgId = Named.parse(await read('/api/orgs/current')).id
  projectId = Projects.parse(await read('/api/projects')).projects[0]?.id ?? ''
})
afterAll(() => loom?.remove())

const read = async (path: string) => (await owner.succeed('GET', path)).body
const memberOf = async (email: string) => MemberPage.parse(await read('/api/orgs/current/members')).members.find(member => member.email === email)
const demote = async (email: string) => owner.succeed('PATCH', `/api/orgs/current/members/${(await memberOf(email))?.id}`, { role: 'viewer' })
const userOf = async (email: string) => PlatformUserPage.parse(await read('/api/platform/users')).items.find(user => user.email === email)
const createKey = async (visitor: Visitor, input: object) => CreatedApiKey.parse((await visitor.succeed('POST', '/api/keys', { name: 'test', ...input })).body)
const withKey = (key: string) => new Visitor(loom, { authorization: `Bearer ${key}` })

const demoted = { status: 403, text: expect.stringContaining('just changed') }
const connection = { kind: 'openai-compatible', name: 'rogue', baseUrl: 'https://models.example.com/v1', secret: 'sk-rogue' }

describe('an owner who is demoted while the last byte of a call is yet to come', () => {
  test.each([
    ['sets no policy', 'PUT', '/api/orgs/current/policy', { policy: { deniedModels: ['*'] } }, '/api/orgs/current/policy'],
    ['adds no connection', 'POST', '/api/connections', connection, '/api/connections'],
    ['changes no retention', 'PUT', '/api/orgs/current/retention', { tracesDays: 1 }, '/api/orgs/current/retention'],
    ['makes no webhook', 'POST', '/api/alerts/webhooks', { name: 'rogue', url: 'https://example.com/' }, '/api/alerts']
  ])('%s', async (_, method, path, body, shown) => {
    const email = `${crypto.randomUUID()}@example.com`
    const rogue = await join(owner, email, 'owner')
    const before = await read(shown)
    const call = await beginCall(rogue, method, path, body)
    await demote(email)
    expect(await call.finish()).toMatchObject(demoted)
    expect(await read(shown)).toEqual(before)
  })

  test('does not delete the organisation', async () => {
    const rogue = await join(owner, 'deleter@example.com', 'owner')
    const call = await beginCall(rogue, 'DELETE', '/api/orgs/current', { confirm: z.object({ slug: z.string() }).parse(await read('/api/orgs/current')).slug })
    await demote('deleter@example.com')
    expect(await call.finish()).toMatchObject(demoted)
    expect((await owner.call('GET', '/api/orgs/current')).status).toBe(200)
  })

  test('uploads no file', async () => {
    const rogue = await join(owner, 'uploader@example.com', 'member')
    const call = await beginCall(rogue, 'POST', `/api/projects/${projectId}/files?name=rogue.txt&inProject=true`, 'words of a rogue')
    await demote('uploader@example.com')
    expect(await call.finish()).toMatchObject(demoted)
    expect(JSON.stringify(await read(`/api/projects/${projectId}/files`))).not.toContain('rogue.txt')
  })

  test('finds a key of theirs taken back with their role', async () => {
    const rogue = await join(owner, 'key-holder@example.com', 'admin')
    const { key } = await createKey(rogue, { scopes: ['workspace'] })
    const call = await beginCall(withKey(key), 'PUT', '/api/orgs/current/policy', { policy: { deniedModels: ['*'] } })
    await demote('key-holder@example.com')
    expect((await call.finish()).status).toBe(401)
    expect(await read('/api/orgs/current/policy')).toMatchObject({ policy: {} })
  })
})

describe('a platform admin who ceases to be one while the last byte of a call is yet to come', () => {
  test.each([
    ['tops up no wallet', 'POST', 'funds', { amountUsd: '1000', refId: 'rogue' }],
    ['makes no wallet unlimited', 'PATCH', 'wallet', { mode: 'prepaid', markupBasisPoints: -10_000 }]
  ])('%s', async (_, method, what, body) => {
    const email = `${crypto.randomUUID()}@example.com`
    const rogue = await join(owner, email, 'admin')
    const { id } = await userOf(email) ?? {}
    await owner.succeed('PATCH', `/api/platform/users/${id}`, { role: 'admin' })
    const before = Wallet.parse(await read('/api/wallet'))
    const call = await beginCall(rogue, method, `/api/platform/orgs/${orgId}/${what}`, body)
    await owner.succeed('PATCH', `/api/platform/users/${id}`, { role: 'user' })
    expect(await call.finish()).toMatchObject({ status: 403 })
    expect(await read('/api/wallet')).toMatchObject(before)
  })
})

describe('a credential that is taken back while the last byte of a call is yet to come', () => {
  test('is a session: the call is refused as a stranger’s', async () => {
    const rogue = await join(owner, 'signed-out@example.com', 'admin')
    const call = await beginCall(rogue, 'POST', '/api/connections', { ...connection, name: 'stranger' })
    await owner.succeed('DELETE', `/api/orgs/current/members/${(await memberOf('signed-out@example.com'))?.id}/sessions`)
    expect((await call.finish()).status).toBe(401)
    expect(JSON.stringify(await read('/api/connections'))).not.toContain('stranger')
  })

  test.each([
    ['/api', ['workspace'], '/api/projects', { name: 'Rogue' }],
    ['/v1', ['inference'], '/v1/chat/completions', { model: 'demo', messages: [{ role: 'user', content: 'hello' }] }],
    ['a check of the policy', ['inference'], '/v1/policy/check', { endpoint: '/v1/chat/completions', body: { model: 'demo', messages: [{ role: 'user', content: 'hello' }] } }]
  ])('is an API key, at %s', async (_, scopes, path, body) => {
    const { id, key } = await createKey(owner, { scopes })
    const call = await beginCall(withKey(key), 'POST', path, body)
    await owner.succeed('DELETE', `/api/keys/${id}`)
    // On /v1 a revocation is heard of within a second.
    await expect.poll(async () => (await withKey(key).call('GET', '/v1/models')).status, { timeout: 5_000, interval: 20 }).toBe(401)
    expect((await call.finish()).status).toBe(401)
  })
})
