import { afterAll, beforeAll, expect, test } from 'vitest'
import { generateKey } from '../../../server/keys/key-format'
import type { GatewayUnderTest } from '../../support/open-gateway'
import { model, openGateway } from '../../support/open-gateway'
import { until } from '../../support/until'

let gateway: GatewayUnderTest
beforeAll(async () => {
  gateway = await openGateway({ AUTH_FAILURES_PER_MINUTE: '10' })
})
afterAll(() => gateway.remove())

const body = JSON.stringify({ model, messages: [{ role: 'user', content: 'Hello' }] })

/**
 * Resolves once all that was told of keys before has been heard: a key that is told of is looked up again, which an address over its limit may not always have
 * done. Notices come in order, and a change that is seen was heard of.
 */
async function hearOfKeys(): Promise<void> {
  const { id, key } = await gateway.createKey()
  expect((await gateway.post(key, body)).status).toBe(200)
  await gateway.api('PATCH', `/api/keys/${id}`, { scopes: ['traces'] })
  await until(async () => (await gateway.post(key, body)).status === 403)
}

test('whoever tries one wrong key after the other gets 429, and a good key from the same address still works', async () => {
  const { key } = await gateway.createKey()
  const workspace = await gateway.createKey({ scopes: ['workspace'] })
  const projects = async (presented: string) => (await fetch(`${gateway.loom.url}/api/projects`, { headers: { authorization: `Bearer ${presented}` } })).status
  await hearOfKeys()
  expect((await gateway.post(key, body)).status).toBe(200)
  expect(await projects(workspace.key)).toBe(200)
  const statuses: number[] = []
  for (let tries = 0; tries < 20; tries++) statuses.push((await gateway.post(generateKey(), body)).status)
  expect(statuses.slice(0, 10)).toEqual(Array.from({ length: 10 }, () => 401))
  expect(statuses.slice(10)).toEqual(Array.from({ length: 10 }, () => 429))
  const refused = await gateway.post('loom_sk_mistyped', body)
  expect(refused.status).toBe(429)
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
  expect(await refused.json()).toMatchObject({ error: { code: 'rate_limit_exceeded', type: 'rate_limit_error' } })
  expect(await projects(generateKey())).toBe(429)
  for (let calls = 0; calls < 5; calls++) {
    expect(await projects(generateKey())).toBe(429)
    expect(await projects(workspace.key)).toBe(200)
    expect((await gateway.post(key, body)).status).toBe(200)
  }
})
