import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { once } from 'node:events'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import type { GatewayUnderTest } from '../../support/open-gateway'
import { openGateway, upstreamSecret } from '../../support/open-gateway'
import { signUp } from '../../support/set-up-loom'
import { until } from '../../support/until'

/** What the server's resolver answers: the names an attacker's DNS would serve. An empty answer is a name that does not exist. */
const names: Record<string, string[][]> = {
  'inside.example.com': [['127.0.0.1']],
  'mapped.example.com': [['::ffff:127.0.0.1']],
  'six.example.com': [['::1']],
  'metadata.example.com': [['169.254.169.254']],
  'mixed.example.com': [['8.8.8.8', '127.0.0.1']],
  // Not there when somebody looks, inside when somebody connects.
  'rebinding.example.com': [[], ['127.0.0.1']]
}

/** Loaded into the server in place of the system's resolver, which no test can tell what to answer. */
const resolver = `
import dns from 'node:dns'
import { syncBuiltinESMExports } from 'node:module'
const names = ${JSON.stringify(names)}
const { lookup } = dns
dns.lookup = (name, options, callback) => {
  const answers = names[name]
  if (!answers) return lookup(name, options, callback)
  const found = (answers.length > 1 ? answers.shift() : answers[0]).map(address => ({ address, family: address.includes(':') ? 6 : 4 }))
  const error = found.length ? null : Object.assign(new Error('not found'), { code: 'ENOTFOUND' })
  setImmediate(() => options.all ? callback(error, found) : callback(error, found[0]?.address, found[0]?.family))
}
syncBuiltinESMExports()
`

let gateway: GatewayUnderTest
let tenant: { cookie: string }
let key: string

beforeAll(async () => {
  gateway = await openGateway({ NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(resolver)}`, SIGN_UP_OPEN: 'true', NEW_ORG_WALLET: 'unlimited', UPSTREAM_RETRIES: '0' })
  tenant = await signUp(gateway.loom, { name: 'Mallory', email: 'mallory@example.com', password: 'correct horse battery' })
  key = z.object({ key: z.string() }).parse(await (await asTenant('/api/keys', { name: 'k', scopes: ['inference'] })).json()).key
})
beforeEach(() => gateway.upstream.reset())
afterAll(() => gateway.remove())

const asTenant = (path: string, body: unknown) => fetch(gateway.loom.url + path, { method: 'POST', headers: { 'cookie': tenant.cookie, 'origin': gateway.loom.url, 'content-type': 'application/json' }, body: JSON.stringify(body) })
const connection = (name: string, host: string) => ({ kind: 'openai-compatible', name, baseUrl: gateway.upstream.baseUrl.replace('127.0.0.1', host), secret: upstreamSecret })

/** Asks through a connection, once it is known. */
const ask = (name: string) => until(async () => {
  const answer = await gateway.post(key, JSON.stringify({ model: `${name}/m`, messages: [{ role: 'user', content: 'Hi' }] }))
  return answer.status !== 404 && answer.status !== 422 && answer
}, { what: () => 'the new connection to be known' })

describe('a tenant\'s connection', () => {
  test.each(Object.keys(names))('never reaches the private address behind %s', async (host) => {
    const name = host.split('.')[0] ?? ''
    expect((await asTenant('/api/connections', connection(name, host))).status).toBe(201)
    for (let tries = 0; tries < 3; tries++) {
      const answer = await ask(name)
      expect([502, 503, 504]).toContain(answer.status)
      const text = await answer.text()
      expect(text).not.toContain('127.0.0.1')
      expect(text).not.toContain(host)
    }
    expect(gateway.upstream.requests).toHaveLength(0)
  })
})

test('a platform admin may connect everybody to a private address', async () => {
  await gateway.api('POST', '/api/connections', { ...connection('allowed', 'inside.example.com'), platform: true })
  const answer = await ask('allowed')
  expect(answer.status).toBe(200)
  expect(gateway.upstream.requests).toHaveLength(1)
})

test('a redirect is not followed, and takes no credential along', async () => {
  const reached: string[] = []
  const inner = createServer((request, response) => {
    reached.push(String(request.headers.authorization))
    response.end('{}')
  }).listen(0, '127.0.0.1')
  await once(inner, 'listening')
  const { port } = inner.address() as AddressInfo
  await gateway.api('POST', '/api/connections', { ...connection('redirecting', '127.0.0.1'), platform: true })
  for (const status of [301, 302, 303, 307, 308]) {
    gateway.upstream.respondWith({ status, headers: { location: `http://127.0.0.1:${port}/v1/chat/completions` } })
    const answer = await ask('redirecting')
    expect([502, 503]).toContain(answer.status)
  }
  expect(reached).toEqual([])
  inner.close()
})
