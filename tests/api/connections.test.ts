import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Connection, ConnectionList } from '../../shared/connections'
import type { LoomServer } from '../support/loom-server'
import { startLoom } from '../support/start-loom'
import type { Visitor } from '../support/visitor'
import { join, setUp, signUp } from '../support/visitor'

const SECRET = 'sk-very-secret-value-0123456789'

let loom: LoomServer
/** Runs the platform, too. */
let operator: Visitor
/** Owner of another org. */
let tenant: Visitor

beforeAll(async () => {
  loom = await startLoom()
  operator = await setUp(loom)
  tenant = await signUp(operator, 'tenant@example.com')
})
afterAll(() => loom?.remove())

const create = async (visitor: Visitor, input: object) => Connection.parse((await visitor.succeed('POST', '/api/connections', { kind: 'openai', ...input })).body)
const list = async (visitor: Visitor) => ConnectionList.parse((await visitor.succeed('GET', '/api/connections')).body).connections
const named = async (visitor: Visitor, name: string) => (await list(visitor)).find(connection => connection.name === name)

describe('a connection', () => {
  test('never gives its secret back, in no answer and no log', async () => {
    const created = await create(tenant, { name: 'mine', secret: SECRET })
    expect(created).toMatchObject({ hasSecret: true, editable: true, platform: false, status: 'active' })
    const answers = [created, await list(tenant), (await tenant.succeed('PATCH', `/api/connections/${created.id}`, { status: 'disabled' })).body]
    for (const answer of [...answers, loom.logs()]) expect(JSON.stringify(answer)).not.toContain(SECRET)
    await tenant.succeed('PATCH', `/api/connections/${created.id}`, { secret: null })
    expect(await named(tenant, 'mine')).toMatchObject({ hasSecret: false, status: 'disabled' })
    expect((await tenant.call('DELETE', `/api/connections/${created.id}`)).status).toBe(204)
    expect(await named(tenant, 'mine')).toBeUndefined()
  })

  test('does not send its stored secret to a new address', async () => {
    const { id } = await create(tenant, { name: 'moving', secret: SECRET, baseUrl: 'https://api.example.com/v1' })
    expect(await tenant.call('PATCH', `/api/connections/${id}`, { baseUrl: 'https://evil.example.com/v1' })).toMatchObject({ status: 400, body: { error: { param: 'secret' } } })
    expect((await tenant.call('PATCH', `/api/connections/${id}`, { baseUrl: 'https://new.example.com/v1', secret: 'sk-new' })).status).toBe(200)
  })

  test('of the platform is usable by every org, and changed by platform admins alone', async () => {
    const { id } = await create(operator, { name: 'shared', secret: SECRET, baseUrl: 'https://api.example.com/v1', platform: true })
    expect(await named(tenant, 'shared')).toMatchObject({ platform: true, editable: false, baseUrl: null, config: null, hasSecret: null })
    expect((await tenant.call('PATCH', `/api/connections/${id}`, { name: 'stolen' })).status).toBe(403)
    expect((await tenant.call('DELETE', `/api/connections/${id}`)).status).toBe(403)
    expect((await tenant.call('POST', '/api/connections', { kind: 'openai', name: 'y', platform: true })).status).toBe(403)
    await operator.succeed('PATCH', `/api/connections/${id}`, { status: 'disabled' })
    expect(await named(tenant, 'shared')).toBeUndefined()
  })

  test('of an org shows its details to admins, its name to everybody in it, nothing to others', async () => {
    await create(tenant, { name: 'inside', secret: SECRET, baseUrl: 'https://api.example.com/v1' })
    const viewer = await join(tenant, 'viewer@example.com', 'viewer')
    expect(await named(viewer, 'inside')).toMatchObject({ kind: 'openai', editable: false, baseUrl: null, hasSecret: null })
    expect(await named(operator, 'inside')).toBeUndefined()
  })

  test('is called by its name in models: no two of an owner share one, and it fits into one', async () => {
    await create(tenant, { name: 'taken' })
    expect((await tenant.call('POST', '/api/connections', { kind: 'openai', name: 'taken' })).status).toBe(409)
    expect((await operator.call('POST', '/api/connections', { kind: 'openai', name: 'taken' })).status).toBe(201)
    for (const name of ['', 'a/b', 'a b', '-a', 'x'.repeat(61)]) expect((await tenant.call('POST', '/api/connections', { kind: 'openai', name })).status).toBe(400)
  })

  test('offers its models to its org, within a second', async () => {
    await create(tenant, { kind: 'openai-compatible', name: 'fresh', baseUrl: 'https://models.example.com/v1', config: { models: ['fresh-model'] } })
    await expect.poll(async () => JSON.stringify((await tenant.succeed('GET', '/api/models')).body), { timeout: 5_000, interval: 20 }).toContain('fresh-model')
    expect(JSON.stringify((await operator.succeed('GET', '/api/models')).body)).not.toContain('fresh-model')
  })
})

const privateUrls = [
  'http://localhost:11434/v1', 'http://127.0.0.1/', 'http://127.1/', 'http://2130706433/', 'http://0x7f.1/', 'http://0.0.0.0/', 'http://[::1]/', 'http://[::ffff:127.0.0.1]/',
  'http://10.0.0.8/v1', 'http://172.16.3.4/', 'http://192.168.1.1/', 'http://169.254.169.254/latest/meta-data', 'http://[fe80::1]/', 'http://[fd00::1]/', 'http://[64:ff9b::7f00:1]/',
  'http://metadata.google.internal/', 'http://postgres:5432/', 'http://printer.local/', 'http://LOCALHOST./', 'http://foo.localhost/'
]

test.each(privateUrls)('%s is no address for a tenant\'s connection', async (baseUrl) => {
  expect(await tenant.call('POST', '/api/connections', { kind: 'openai-compatible', name: 'inward', baseUrl })).toMatchObject({ status: 400, body: { error: { param: 'baseUrl' } } })
})

test('none of them is one to move a tenant\'s connection to, with its secret or without one', async () => {
  const { id } = await create(tenant, { kind: 'openai-compatible', name: 'moved-inward', secret: SECRET, baseUrl: 'https://api.example.com/v1' })
  for (const baseUrl of privateUrls) {
    for (const change of [{ baseUrl }, { baseUrl, secret: 'sk-new' }, { baseUrl, secret: null }]) {
      expect(await tenant.call('PATCH', `/api/connections/${id}`, change), baseUrl).toMatchObject({ status: 400, body: { error: { param: 'baseUrl' } } })
    }
  }
  expect(await named(tenant, 'moved-inward')).toMatchObject({ baseUrl: 'https://api.example.com/v1', hasSecret: true })
})

test('whoever runs the platform may connect to their own network', async () => {
  expect(await create(operator, { kind: 'openai-compatible', name: 'ollama-lan', baseUrl: 'http://192.168.1.20:11434/v1', platform: true })).toMatchObject({ baseUrl: 'http://192.168.1.20:11434/v1' })
})

test.each([
  { kind: 'openai', name: 'x', baseUrl: 'ftp://example.com/' }, { kind: 'openai', name: 'x', baseUrl: 'file:///etc/passwd' }, { kind: 'openai', name: 'x', baseUrl: 'https://user:pass@example.com/' },
  { kind: 'openai-compatible', name: 'x' }, { kind: 'azure', name: 'x' }, { kind: 'openai', name: 'x', config: { nonsense: true } }, { kind: 'unknown', name: 'x' },
  { kind: 'openai', name: 'x', orgId: '0' }, { kind: 'openai', name: 'x', secret: '' }
])('%j makes no connection', async (input) => {
  expect(await tenant.call('POST', '/api/connections', input)).toMatchObject({ status: 400, body: { error: { code: 'invalid_request' } } })
})
