import { afterEach, expect, test } from 'vitest'
import { ConnectionList } from '../../../shared/connections'
import { checkLedgerOf } from '../../support/check-ledger'
import { createPostgresDatabase, testDatabaseKind } from '../../support/database'
import type { LoomServer } from '../../support/loom-server'
import { startLossyProxy } from '../../support/lossy-proxy'
import { model, openGateway } from '../../support/open-gateway'
import { startLoom } from '../../support/start-loom'
import { until } from '../../support/until'

const cleanUp: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const step of cleanUp.splice(0).reverse()) await step()
})

const MASTER_KEY = '0123456789abcdef'.repeat(4)

/** Two replicas on one PostgreSQL, of which `remote` may be cut off from it. */
async function openFleet(env: Record<string, string> = {}) {
  const { url, drop } = await createPostgresDatabase()
  cleanUp.push(drop)
  const proxy = await startLossyProxy(url)
  cleanUp.push(proxy.stop)
  const shared = { ENCRYPTION_MASTER_KEY: MASTER_KEY, UPSTREAM_RETRIES: '0', ...env }
  const gateway = await openGateway({ ...shared, DATABASE_URL: url })
  cleanUp.push(gateway.remove)
  const remote = await startLoom({ env: { ...shared, DATABASE_URL: proxy.url } })
  cleanUp.push(remote.remove)
  return { proxy, gateway, remote }
}

async function ask(loom: LoomServer, key: string, body: object, headers: Record<string, string> = {}) {
  const response = await fetch(`${loom.url}/v1/chat/completions`, {
    method: 'POST', headers: { authorization: `Bearer ${key}`, ...headers }, body: JSON.stringify({ model, messages: [{ role: 'user', content: 'Hello' }], max_tokens: 10, ...body })
  })
  return { id: String(response.headers.get('x-request-id')), status: response.status, cache: response.headers.get('x-loom-cache'), text: await response.text() }
}

test.runIf(testDatabaseKind === 'postgres')('a replica that comes back from a lost connection accepts no key that was revoked meanwhile, gives out no purged answer, and knows no deleted route', async () => {
  const { proxy, gateway, remote } = await openFleet()
  const [kept, revoked] = [await gateway.createKey(), await gateway.createKey()]
  const { connections: [connection] } = ConnectionList.parse(await gateway.api('GET', '/api/connections'))
  const route = await gateway.api('POST', '/api/models/routes', { alias: 'soon-gone', targets: [{ connectionId: connection?.id, upstreamModel: model }] })
  const seen = async () => ({
    revoked: (await ask(remote, revoked.key, {})).status,
    cached: (await ask(remote, kept.key, {}, { 'x-loom-cache': 'on' })).cache,
    route: (await ask(remote, kept.key, { model: 'soon-gone' })).status
  })
  await until(async () => (await seen()).cached === 'hit', { what: () => 'the answer to be cached' })
  expect(await seen()).toEqual({ revoked: 200, cached: 'hit', route: 200 })

  proxy.leave()
  await gateway.api('DELETE', `/api/keys/${revoked.id}`)
  await gateway.api('DELETE', '/api/cache')
  await gateway.api('DELETE', `/api/models/routes/${String(route.id)}`)
  proxy.open()

  const changed = { revoked: 401, cached: 'miss', route: 404 }
  const last: Partial<Awaited<ReturnType<typeof seen>>> = {}
  await until(async () => {
    const now = await seen()
    if (now.revoked !== 503) last.revoked = now.revoked
    if (now.cached !== 'none' && last.cached !== 'miss') last.cached = now.cached
    if (now.route !== 503) last.route = now.route
    return JSON.stringify(last) === JSON.stringify(changed)
  }, { timeoutMs: 20_000, intervalMs: 200, what: () => `what was changed to be heeded, not ${JSON.stringify(last)}` })
})

test.runIf(testDatabaseKind === 'postgres')('a call whose replica was thought dead and which was repeated on another is charged once', async () => {
  const { proxy, gateway, remote } = await openFleet({ REPLICA_TIMEOUT_MS: '1500' })
  const { key } = await gateway.createKey()
  const bill = { 'x-billing-amount': '0.5', 'x-billing-ref-id': 'invoice' }
  const transactions = async (filter: string): Promise<Record<string, unknown>[]> =>
    (await (await fetch(`${gateway.loom.url}/v1/transactions?${filter}`, { headers: { authorization: `Bearer ${key}` } })).json()).data
  gateway.upstream.respondWith({ chunks: 10, chunkIntervalMs: 300 })
  const first = ask(remote, key, { stream: true }, bill)
  await gateway.upstream.received()
  proxy.leave()
  await until(async () => (await transactions('ref_id=invoice')).some(({ status }) => status === 'expired'), { timeoutMs: 30_000, what: () => 'the hold to expire' })
  const repeat = await ask(gateway.loom, key, {}, bill)
  expect(repeat.status).toBe(200)
  proxy.open()

  const { id } = await first
  await until(async () => (await fetch(`${gateway.loom.url}/v1/traces/${id}`, { headers: { authorization: `Bearer ${key}` } })).status === 200, { timeoutMs: 30_000, what: () => 'the first call to be recorded' })
  expect((await transactions('status=captured')).map(({ id: charge }) => charge)).toEqual([repeat.id])
  await gateway.loom.stop()
  expect(await checkLedgerOf(gateway.loom)).toContain('The ledger is exact')
})
