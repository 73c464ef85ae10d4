import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { MemberPage } from '../../shared/identity'
import { CreatedApiKey, KeyPage } from '../../shared/keys'
import type { ApiKey } from '../../shared/keys'
import { generateKey } from '../../server/keys/key-format'
import type { LoomServer } from '../support/loom-server'
import { startLoom } from '../support/start-loom'
import { until } from '../support/until'
import { join, setUp, Visitor } from '../support/visitor'

let loom: LoomServer
let owner: Visitor
let member: Visitor

beforeAll(async () => {
  loom = await startLoom()
  owner = await setUp(loom)
  member = await join(owner, 'member@example.com', 'member')
})
afterAll(() => loom?.remove())

const create = async (visitor: Visitor, input: object = {}) => CreatedApiKey.parse((await visitor.succeed('POST', '/api/keys', { name: 'test', ...input })).body)
const page = async (visitor: Visitor, query: Record<string, string> = {}) => KeyPage.parse((await visitor.succeed('GET', `/api/keys?${new URLSearchParams(query)}`)).body)
const list = async (visitor: Visitor): Promise<ApiKey[]> => (await page(visitor, { limit: '200' })).keys
const holding = ({ key }: { key: string }) => new Visitor(loom, { authorization: `Bearer ${key}` })
const models = (key: { key: string }) => holding(key).call('GET', '/v1/models')

describe('an API key', () => {
  test('is shown once: no list, change, log or error ever holds it again', async () => {
    const created = await create(owner)
    expect(created.key).toMatch(/^loom_sk_[0-9A-Za-z]{46}$/)
    expect(created).toMatchObject({ prefix: created.key.slice(0, 14), scopes: ['inference'], status: 'active', allowedModels: null, limits: {} })
    await models(created)
    await holding(created).call('GET', '/api/projects')
    const shown = [await owner.succeed('GET', '/api/keys'), await owner.succeed('PATCH', `/api/keys/${created.id}`, { name: 'renamed' })]
    for (const { body } of shown) expect(JSON.stringify(body)).not.toContain(created.key.slice(14))
    expect(loom.logs()).not.toContain(created.key.slice(14))
    expect((await list(owner)).find(({ id }) => id === created.id)).toMatchObject({ name: 'renamed', createdBy: { name: 'Ada' } })
  })

  test('works as soon as it is made, and no longer once it is revoked', async () => {
    const created = await create(owner)
    expect((await models(created)).status).toBe(200)
    expect((await owner.call('DELETE', `/api/keys/${created.id}`)).status).toBe(204)
    await until(async () => (await models(created)).status === 401, { what: () => 'the revoked key to be refused' })
    expect((await list(owner)).find(({ id }) => id === created.id)).toMatchObject({ status: 'revoked', revokedAt: expect.any(String) })
    expect((await owner.call('PATCH', `/api/keys/${created.id}`, { name: 'again' })).status).toBe(409)
    expect((await owner.call('DELETE', `/api/keys/${created.id}`)).status).toBe(409)
  })

  test('heeds a change of its scopes at once', async () => {
    const created = await create(owner)
    expect((await models(created)).status).toBe(200)
    await owner.succeed('PATCH', `/api/keys/${created.id}`, { scopes: ['traces'] })
    await until(async () => (await models(created)).status === 403, { what: () => 'the scope to be gone' })
  })

  test('past its expiry is refused and shown as expired; one that expires in the past is not made', async () => {
    expect((await owner.call('POST', '/api/keys', { name: 'late', expiresAt: '2020-01-01T00:00:00Z' })).status).toBe(400)
    const created = await create(owner, { expiresAt: new Date(Date.now() + 5_000).toISOString() })
    const refused = await until(async () => {
      const response = await models(created)
      return response.status === 200 ? undefined : response
    }, { what: () => 'the key to expire' })
    const refusal = { error: { code: 'invalid_api_key', message: expect.stringContaining(`expired at ${created.expiresAt}`), details: { rule: 'expires_at', scope: 'key', limit: created.expiresAt } } }
    expect(refused).toMatchObject({ status: 401, body: refusal })
    expect((await list(owner)).find(({ id }) => id === created.id)?.status).toBe('expired')
    await owner.succeed('PATCH', `/api/keys/${created.id}`, { expiresAt: '2999-01-01T00:00:00Z' })
    await until(async () => (await models(created)).status === 200, { what: () => 'the key to be prolonged' })
  })

  test('mistyped is told from unknown and from revoked', async () => {
    const { id, key } = await create(owner, { scopes: ['workspace'] })
    const typo = key.slice(0, -1) + (key.endsWith('x') ? 'y' : 'x')
    const refusal = async (key: string) => (await holding({ key }).call('GET', '/api/projects')).body
    expect(await refusal(typo)).toMatchObject({ error: { code: 'invalid_api_key', message: expect.stringContaining('mistyped') } })
    await owner.succeed('DELETE', `/api/keys/${id}`)
    for (const other of [key, generateKey()]) expect(await refusal(other)).toMatchObject({ error: { code: 'invalid_api_key', message: expect.stringContaining('unknown, revoked or expired') } })
  })

  test('with the scope workspace acts as its creator in their org, but never runs the platform', async () => {
    const created = await create(owner, { scopes: ['workspace'] })
    expect((await holding(created).call('GET', '/api/session')).body).toMatchObject({ user: { name: 'Ada' }, role: 'owner', platformAdmin: false })
    expect((await holding(created).call('GET', '/api/platform/settings')).status).toBe(403)
    expect((await list(owner)).find(({ id }) => id === created.id)?.lastUsedAt).not.toBeNull()
  })

  test('that called /v1 is known to have been used, at the latest when the server stops', async () => {
    const created = await create(owner)
    expect((await list(owner)).find(({ id }) => id === created.id)?.lastUsedAt).toBeNull()
    expect((await models(created)).status).toBe(200)
    await loom.stop()
    await loom.start()
    expect((await list(owner)).find(({ id }) => id === created.id)?.lastUsedAt).not.toBeNull()
  })

  test('sent along with a page shows that page as its creator sees it, or says what it lacks', async () => {
    const page = (key: { key: string }) => holding(key).call('GET', '/projects', undefined, { accept: 'text/html' })
    expect((await page(await create(owner, { scopes: ['workspace'] }))).status).toBe(200)
    const refused = await page(await create(owner))
    expect(refused.status).toBe(403)
    expect(String(refused.body)).toMatch(/This page was refused.*the scope `workspace`/s)
    const unknown = await page({ key: 'loom_sk_mistyped' })
    expect(unknown.status).toBe(401)
    expect(String(unknown.body)).toMatch(/This page was refused.*mistyped/s)
  })

  test('used from an address that is not on its list is refused', async () => {
    const elsewhere = await create(owner, { scopes: ['workspace'], limits: { allowedIps: ['192.0.2.0/24', '2001:db8::/32'] } })
    const here = await create(owner, { scopes: ['workspace'], limits: { allowedIps: ['127.0.0.0/8', '::1'] } })
    expect((await holding(elsewhere).call('GET', '/api/projects', undefined, { 'x-forwarded-for': '192.0.2.1' })).status).toBe(401)
    expect((await holding(here).call('GET', '/api/projects')).status).toBe(200)
    expect((await owner.call('POST', '/api/keys', { name: 'x', limits: { allowedIps: ['10.0.0.0/99'] } })).status).toBe(400)
  })
})

describe('a key can never do more than who makes it', () => {
  test.each(['billing', 'bodies', 'workspace'])('members do not give out the scope %s', async (scope) => {
    expect((await member.call('POST', '/api/keys', { name: 'x', scopes: ['inference', scope] })).status).toBe(403)
    const own = await create(member)
    expect((await member.call('PATCH', `/api/keys/${own.id}`, { scopes: [scope] })).status).toBe(403)
  })

  test('members change and revoke their own keys, not those of others', async () => {
    const [own, others] = [await create(member), await create(owner)]
    expect((await member.call('PATCH', `/api/keys/${others.id}`, { name: 'mine' })).status).toBe(403)
    expect((await member.call('DELETE', `/api/keys/${others.id}`)).status).toBe(403)
    expect((await member.call('DELETE', `/api/keys/${own.id}`)).status).toBe(204)
  })

  test('a key makes keys only within its own bounds', async () => {
    const expiresAt = new Date(Date.now() + 3_600_000).toISOString()
    const bounds = { scopes: ['inference', 'workspace'], allowedModels: ['demo'], limits: { maxOutputTokens: 10 }, expiresAt }
    const caller = holding(await create(owner, bounds))
    expect((await caller.call('POST', '/api/keys', { name: 'same', ...bounds })).status).toBe(201)
    const wider: [string, unknown][] = [
      ['scopes', ['inference', 'billing']], ['allowedModels', null], ['allowedModels', ['demo', 'other']], ['limits', {}], ['limits', { maxOutputTokens: 11 }],
      ['expiresAt', null], ['expiresAt', new Date(Date.now() + 7_200_000).toISOString()]
    ]
    for (const [field, value] of wider) {
      expect(await caller.call('POST', '/api/keys', { name: 'wider', ...bounds, [field]: value }), field).toMatchObject({ status: 403, body: { error: { param: field } } })
    }
  })

  test.each([{ requestsPerMinute: 10 }, { tokensPerMinute: 10 }, { maxConcurrent: 1 }, { budgets: { day: '1' } }, { budgets: { total: '0' } }])('a key with %j makes no second key that counts anew, and frees none', async (limits) => {
    const own = await create(owner, { scopes: ['inference', 'workspace'], limits })
    const other = await create(owner)
    const refused = { status: 403, body: { error: { code: 'forbidden', param: 'limits', message: expect.stringContaining('each key counts for itself') } } }
    expect(await holding(own).call('POST', '/api/keys', { name: 'second', scopes: ['inference'], limits })).toMatchObject(refused)
    expect(await holding(own).call('PATCH', `/api/keys/${other.id}`, { limits })).toMatchObject(refused)
    expect(await holding(own).call('POST', `/api/keys/${other.id}/rotate`, {})).toMatchObject(refused)
    expect(await holding(own).call('PATCH', `/api/keys/${own.id}`, { limits: {} })).toMatchObject({ status: 403, body: { error: { param: 'limits' } } })
    expect(await holding(own).call('PATCH', `/api/keys/${own.id}`, { name: 'Itself' })).toMatchObject({ status: 200, body: { name: 'Itself', limits } })
    expect((await holding(own).call('POST', `/api/keys/${own.id}/rotate`, {})).status).toBe(200)
  })

  test('tells the name of its project, archived or not, to who may open that', async () => {
    const make = async (name: string) => z.object({ id: z.string() }).parse((await owner.succeed('POST', '/api/projects', { name })).body).id
    const [archived, closed] = [await make('Archived'), await make('Closed')]
    const keys = [await create(owner, { projectId: archived }), await create(owner, { projectId: closed }), await create(owner)]
    expect(keys.map(({ projectName }) => projectName)).toEqual(['Archived', 'Closed', null])
    await owner.succeed('PATCH', `/api/projects/${archived}`, { archived: true })
    await owner.succeed('PATCH', `/api/projects/${closed}`, { access: 'members' })
    const namesTo = async (visitor: Visitor) => {
      const listed = await list(visitor)
      return keys.map(({ id }) => listed.find(key => key.id === id)?.projectName)
    }
    expect(await namesTo(owner)).toEqual(['Archived', 'Closed', null])
    expect(await namesTo(member)).toEqual(['Archived', null, null])
  })

  test('a key of one project sees and makes keys of that project alone, and manages nothing of the org', async () => {
    const make = async (name: string) => z.object({ id: z.string() }).parse((await owner.succeed('POST', '/api/projects', { name })).body)
    const [project, other] = [await make('One'), await make('Other')]
    const foreign = await create(owner, { projectId: other.id })
    const caller = holding(await create(owner, { scopes: ['inference', 'workspace'], projectId: project.id }))
    expect((await list(caller)).every(({ projectId }) => projectId === project.id)).toBe(true)
    expect((await caller.call('POST', '/api/keys', { name: 'x', projectId: null })).status).toBe(403)
    expect((await caller.call('POST', '/api/keys', { name: 'x', projectId: other.id })).status).toBe(404)
    expect((await caller.call('POST', '/api/keys', { name: 'x', projectId: project.id })).status).toBe(201)
    expect((await caller.call('DELETE', `/api/keys/${foreign.id}`)).status).toBe(404)
    for (const path of ['/api/orgs/current/members', '/api/orgs/current/invitations']) expect((await caller.call('GET', path)).status).toBe(403)
    expect((await caller.call('POST', '/api/connections', { kind: 'openai', name: 'x' })).status).toBe(403)
  })
})

describe('rotating a key', () => {
  const rotate = async (visitor: Visitor, id: string, input: object = {}) => CreatedApiKey.parse((await visitor.succeed('POST', `/api/keys/${id}/rotate`, input)).body)
  const refused = (key: { key: string }) => until(async () => (await models(key)).status === 401, { what: () => 'the old secret to be refused' })

  test('gives it a new secret; the old one works until the overlap is over, and both are one key', async () => {
    const first = await create(owner, { scopes: ['inference', 'workspace'] })
    expect((await models(first)).status).toBe(200)
    const second = await rotate(owner, first.id, { overlapHours: 1 })
    expect(second).toMatchObject({ id: first.id, prefix: second.key.slice(0, 14), status: 'active', previous: { expiresAt: expect.any(String) }, rotatedAt: expect.any(String) })
    expect(second.key).not.toBe(first.key)
    for (const secret of [first, second]) {
      expect((await models(secret)).status).toBe(200)
      expect((await holding(secret).call('GET', '/api/session')).body).toMatchObject({ user: { name: 'Ada' } })
    }
    expect((await models(first)).headers.get('x-loom-key-expires')).toBe(second.previous?.expiresAt)
    expect((await models(second)).headers.get('x-loom-key-expires')).toBeNull()
  })

  test('tells when the old secret was used last, on /api too', async () => {
    const first = await create(owner, { scopes: ['workspace'] })
    const second = await rotate(owner, first.id)
    const previousUse = async () => (await list(owner)).find(({ id }) => id === first.id)?.previous?.lastUsedAt
    await holding(second).succeed('GET', '/api/session')
    expect(await previousUse()).toBeNull()
    await holding(first).succeed('GET', '/api/session')
    expect(await previousUse()).toEqual(expect.any(String))
  })

  test('ends the old secret when the overlap is over, without being told again', async () => {
    const first = await create(owner)
    const second = await rotate(owner, first.id, { overlapHours: 1 / 3_600 })
    expect((await models(first)).status).toBe(200)
    await refused(first)
    expect((await models(second)).status).toBe(200)
    expect((await list(owner)).find(({ id }) => id === first.id)?.previous).toBeNull()
  })

  test('without overlap ends every secret before at once; while one overlap runs, no other begins', async () => {
    const first = await create(owner)
    const second = await rotate(owner, first.id)
    expect(await owner.call('POST', `/api/keys/${first.id}/rotate`, {})).toMatchObject({ status: 409, body: { error: { param: 'overlapHours' } } })
    const third = await rotate(owner, first.id, { overlapHours: 0 })
    await refused(first)
    await refused(second)
    expect((await models(third)).status).toBe(200)
  })

  test('revoking it ends both secrets', async () => {
    const first = await create(owner)
    const second = await rotate(owner, first.id)
    for (const secret of [first, second]) expect((await models(secret)).status).toBe(200)
    await owner.succeed('DELETE', `/api/keys/${first.id}`)
    await refused(first)
    await refused(second)
    expect((await owner.call('POST', `/api/keys/${first.id}/rotate`, {})).status).toBe(409)
  })

  test('is for who made it: no admin becomes another by it, and no key more than it is', async () => {
    const [own, owners] = [await create(member), await create(owner, { scopes: ['workspace'] })]
    expect((await member.call('POST', `/api/keys/${owners.id}/rotate`, {})).status).toBe(403)
    expect((await owner.call('POST', `/api/keys/${own.id}/rotate`, {})).status).toBe(403)
    const narrow = holding(await create(owner, { scopes: ['workspace'] }))
    const wide = await create(owner, { scopes: ['billing'] })
    expect((await narrow.call('POST', `/api/keys/${wide.id}/rotate`, {})).status).toBe(403)
    expect((await rotate(member, own.id)).createdBy?.name).toBe('member')
  })

  test.each([{ overlapHours: -1 }, { overlapHours: 24 * 91 }, { overlapHours: '1' }, { overlap: 1 }])('refuses %j', async (input) => {
    const { id } = await create(owner)
    expect((await owner.call('POST', `/api/keys/${id}/rotate`, input)).status).toBe(400)
  })
})

describe('a service key', () => {
  test('belongs to the org: it outlives who made it, who is then told apart, and a rotation clears that', async () => {
    const admin = await join(owner, 'leaving-admin@example.com', 'admin')
    const [service, personal] = [await create(admin, { service: true, scopes: ['inference', 'traces'] }), await create(admin)]
    expect(service).toMatchObject({ service: true, makerLeft: false })
    await admin.succeed('DELETE', `/api/orgs/current/members/${await membershipOf('leaving-admin@example.com')}`)
    await until(async () => (await models(personal)).status === 401, { what: () => 'the personal key to be refused' })
    expect((await models(service)).status).toBe(200)
    expect((await list(owner)).find(({ id }) => id === service.id)).toMatchObject({ status: 'active', makerLeft: true })
    const rotated = CreatedApiKey.parse((await owner.succeed('POST', `/api/keys/${service.id}/rotate`, { overlapHours: 0 })).body)
    expect(rotated).toMatchObject({ service: true, makerLeft: false, createdBy: { name: 'Ada' } })
    await until(async () => (await models(service)).status === 401, { what: () => 'the leaver\'s copy to be refused' })
  })

  test('is made and changed by admins alone, and acts for nobody', async () => {
    expect((await member.call('POST', '/api/keys', { name: 'x', service: true })).status).toBe(403)
    expect((await owner.call('POST', '/api/keys', { name: 'x', service: true, scopes: ['workspace'] })).status).toBe(400)
    const admin = await join(owner, 'demoted-admin@example.com', 'admin')
    const service = await create(admin, { service: true })
    await owner.succeed('PATCH', `/api/orgs/current/members/${await membershipOf('demoted-admin@example.com')}`, { role: 'member' })
    for (const [method, path, body] of [['PATCH', '', { name: 'mine' }], ['DELETE', '', undefined], ['POST', '/rotate', {}]] as const) {
      expect((await admin.call(method, `/api/keys/${service.id}${path}`, body)).status, method).toBe(403)
    }
    expect((await owner.call('PATCH', `/api/keys/${service.id}`, { scopes: ['workspace'] })).status).toBe(400)
    expect((await models(service)).status).toBe(200)
  })

  async function membershipOf(email: string): Promise<string | undefined> {
    const { members } = MemberPage.parse((await owner.succeed('GET', '/api/orgs/current/members')).body)
    return members.find(found => found.email === email)?.id
  }
})

describe('the list of keys', () => {
  const names = ({ keys }: KeyPage) => keys.map(({ name }) => name)

  test('comes page after page, newest first, each key once, however many are made meanwhile', async () => {
    for (const name of ['paged 1', 'paged 2', 'paged 3', 'paged 4', 'paged 5']) await create(owner, { name })
    const first = await page(owner, { search: 'paged', limit: '2' })
    await create(owner, { name: 'paged 6' })
    const second = await page(owner, { search: 'paged', limit: '2', cursor: first.nextCursor ?? '' })
    const third = await page(owner, { search: 'paged', limit: '2', cursor: second.nextCursor ?? '' })
    expect([first, second, third].map(names)).toEqual([['paged 5', 'paged 4'], ['paged 3', 'paged 2'], ['paged 1']])
    expect(third.nextCursor).toBeNull()
    expect((await page(owner, { search: 'paged', limit: '6' })).nextCursor).toBeNull()
  })

  test('is 50 long at first, and at most 200', async () => {
    for (let made = 0; made < 51; made++) await create(owner, { name: 'many' })
    expect((await page(owner)).keys).toHaveLength(50)
    expect((await page(owner, { limit: '200' })).keys.length).toBeGreaterThan(50)
    for (const query of ['limit=201', 'limit=0', 'limit=x', 'cursor=x', 'cursor=', 'status=gone']) expect((await owner.call('GET', `/api/keys?${query}`)).status, query).toBe(400)
  })

  test('finds keys by a part of their name, or of what is shown of them, as it was typed', async () => {
    const [percent, other] = [await create(owner, { name: 'CI 100%_sure' }), await create(owner, { name: 'CI 100 unsure' })]
    expect(names(await page(owner, { search: ' ci 100 u ' }))).toEqual([other.name])
    expect(names(await page(owner, { search: '100%_S' }))).toEqual([percent.name])
    expect((await page(owner, { search: percent.prefix })).keys.map(({ id }) => id)).toContain(percent.id)
    expect(names(await page(owner, { search: percent.prefix.slice(8) }))).toContain(percent.name)
    // All keys begin so.
    expect(names(await page(owner, { search: 'm_sk' }))).toEqual([])
    expect(names(await page(owner, { search: '100\\' }))).toEqual([])
  })

  test('tells those that are active, expired and revoked apart', async () => {
    const [active, expired, revoked] = [await create(owner, { name: 'state 1', expiresAt: '2999-01-01T00:00:00Z' }), await create(owner, { name: 'state 2', expiresAt: new Date(Date.now() + 5_000).toISOString() }), await create(owner, { name: 'state 3' })]
    await owner.succeed('DELETE', `/api/keys/${revoked.id}`)
    await until(async () => (await page(owner, { search: 'state', status: 'expired' })).keys.length > 0, { what: () => 'the key to expire' })
    for (const [status, key] of Object.entries({ active, expired, revoked })) expect((await page(owner, { search: 'state', status })).keys, status).toMatchObject([{ id: key.id, status }])
    expect(names(await page(owner, { search: 'state' }))).toEqual(['state 3', 'state 2', 'state 1'])
  })

  test('holds what one may see, and so does each key by itself', async () => {
    const { id: projectId } = z.object({ id: z.string() }).parse((await owner.succeed('POST', '/api/projects', { name: 'Seen' })).body)
    const [inside, outside] = [await create(owner, { name: 'seen inside', projectId }), await create(owner, { name: 'seen outside' })]
    const bound = holding(await create(owner, { name: 'bound', scopes: ['workspace'], projectId }))
    expect(names(await page(bound, { search: 'seen' }))).toEqual([inside.name])
    expect((await bound.succeed('GET', `/api/keys/${inside.id}`)).body).toMatchObject({ id: inside.id, name: 'seen inside' })
    expect((await bound.call('GET', `/api/keys/${outside.id}`)).status).toBe(404)
    expect(names(await page(member, { search: 'seen' }))).toEqual([outside.name, inside.name])
    expect(JSON.stringify((await owner.succeed('GET', `/api/keys/${inside.id}`)).body)).not.toContain(inside.key.slice(14))
  })
})

test('a key that ends soon says so in lists and to its callers', async () => {
  const day = 24 * 60 * 60 * 1000
  const [soon, later] = [await create(owner, { expiresAt: new Date(Date.now() + 13 * day).toISOString() }), await create(owner, { expiresAt: new Date(Date.now() + 15 * day).toISOString() })]
  expect([soon.expiresSoon, later.expiresSoon]).toEqual([true, false])
  expect((await models(soon)).headers.get('x-loom-key-expires')).toBe(soon.expiresAt)
  expect((await models(later)).headers.get('x-loom-key-expires')).toBeNull()
})

test.each([
  { name: '' }, { name: 'x'.repeat(81) }, { name: 'x', scopes: [] }, { name: 'x', scopes: ['everything'] }, { name: 'x', scopes: 'inference' },
  { name: 'x', limits: { requestsPerMinute: 0 } }, { name: 'x', limits: { requestsPerMinute: 1.5 } }, { name: 'x', limits: { dollars: 1 } },
  { name: 'x', expiresAt: 'tomorrow' }, { name: 'x', projectId: 'x' }, { name: 'x', keyHash: 'a', orgId: 'b' }, { name: 'x', status: 'revoked' }
])('%j makes no key', async (input) => {
  expect(await owner.call('POST', '/api/keys', input)).toMatchObject({ status: 400, body: { error: { code: 'invalid_request' } } })
})
