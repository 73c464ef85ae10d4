import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ConnectionHealthList, ConnectionTest } from '../../shared/connections'
import { freePort } from '../support/free-port'
import type { GatewayUnderTest } from '../support/open-gateway'
import { model, openGateway, upstreamSecret } from '../support/open-gateway'
import { signUp, Visitor } from '../support/visitor'

let gateway: GatewayUnderTest
beforeAll(async () => {
  gateway = await openGateway()
})
afterAll(() => gateway?.remove())

const connect = async (input: object) => String((await gateway.api('POST', '/api/connections', { kind: 'openai-compatible', config: { models: ['any'] }, ...input })).id)
const check = async (id: string, body: object = {}) => ConnectionTest.parse(await gateway.api('POST', `/api/connections/${id}/test`, body))

describe('testing a connection', () => {
  test('makes one real call and tells that it works, on which model and in how long', async () => {
    const id = await connect({ name: 'good', baseUrl: gateway.upstream.baseUrl, secret: upstreamSecret })
    expect(await check(id)).toMatchObject({ verdict: 'works', status: 200, model: 'any', latencyMs: expect.any(Number) })
    expect(await check(id, { model: 'another' })).toMatchObject({ verdict: 'works', model: 'another' })
    await gateway.api('PATCH', `/api/connections/${id}`, { status: 'disabled' })
    expect((await check(id)).verdict).toBe('works')
  })

  test('charges and traces nothing, and is on record', async () => {
    const before = await gateway.api('GET', '/api/wallet')
    const id = await connect({ name: 'free', baseUrl: gateway.upstream.baseUrl, secret: upstreamSecret })
    await check(id)
    expect(await gateway.api('GET', '/api/wallet')).toEqual(before)
    expect(await gateway.api('GET', '/api/traces')).toMatchObject({ items: [] })
  })

  test('tells what is wrong in each case, without the secret', async () => {
    const closed = await freePort()
    const cases = [
      [{ name: 'closed', baseUrl: `http://127.0.0.1:${closed}/v1` }, 'unreachable'],
      [{ name: 'nowhere', baseUrl: 'http://does-not-exist.invalid/v1' }, 'unreachable'],
      [{ name: 'empty', baseUrl: gateway.upstream.baseUrl, config: { models: [] } }, 'unknown_model']
    ] as const
    for (const [input, verdict] of cases) {
      const result = await check(await connect({ ...input, secret: upstreamSecret }))
      expect(result, input.name).toMatchObject({ verdict })
      expect(JSON.stringify(result)).not.toContain(upstreamSecret)
    }
  })

  test('is closed to other orgs, to members, and for the platform\'s connections to tenants; a model is a short text', async () => {
    const owner = new Visitor(gateway.loom, { cookie: gateway.admin.cookie })
    const id = await connect({ name: 'mine', baseUrl: gateway.upstream.baseUrl })
    const shared = await connect({ name: 'shared', baseUrl: gateway.upstream.baseUrl, platform: true })
    const tenant = await signUp(owner, 'tenant@example.com')
    expect((await tenant.call('POST', `/api/connections/${id}/test`, {})).status).toBe(404)
    expect((await tenant.call('POST', `/api/connections/${shared}/test`, {})).status).toBe(403)
    expect((await owner.call('POST', `/api/connections/${id}/test`, { model: 'x'.repeat(10_000) })).status).toBe(400)
    expect((await owner.call('POST', `/api/connections/${id}/test`, { baseUrl: 'http://169.254.169.254/' })).status).toBe(400)
  })
})

test('health counts the org\'s latest attempts over each connection, failed ones apart, and of nobody else', async () => {
  const { key } = await gateway.createKey()
  expect((await gateway.post(key, JSON.stringify({ model, messages: [{ role: 'user', content: 'hi' }] }))).status).toBe(200)
  const closed = await connect({ name: 'dead', baseUrl: `http://127.0.0.1:${await freePort()}/v1`, config: { models: ['dead-model'] } })
  await gateway.api('POST', '/api/models/prices', { providerKind: 'openai-compatible', model: 'dead-model', inputNanoUsd: '0', outputNanoUsd: '0' })
  for (let call = 0; call < 3; call++) await gateway.post(key, JSON.stringify({ model: 'dead-model', messages: [{ role: 'user', content: 'hi' }] }))
  const health = ConnectionHealthList.parse(await gateway.api('GET', '/api/connections/health'))
  const dead = health.connections.find(({ connectionId }) => connectionId === closed)
  expect(dead?.failed).toBeGreaterThanOrEqual(5)
  expect(dead?.attempts).toBe(dead?.failed)
  expect(dead?.restsMs).toBeGreaterThan(0)
  expect(health.connections.some(({ attempts, failed }) => attempts === 1 && failed === 0)).toBe(true)
  const other = await signUp(new Visitor(gateway.loom, { cookie: gateway.admin.cookie }), 'elsewhere@example.com')
  const theirs = ConnectionHealthList.parse((await other.succeed('GET', '/api/connections/health')).body)
  expect(theirs.connections.map(({ connectionId }) => connectionId)).not.toContain(closed)
  expect(theirs.connections.every(({ attempts }) => attempts === 0)).toBe(true)
})
