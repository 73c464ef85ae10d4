import { randomUUID } from 'node:crypto'
import { afterEach, expect, test } from 'vitest'
import { checkLedgerOf } from '../../support/check-ledger'
import { createPostgresDatabase, testDatabaseKind } from '../../support/database'
import type { LoomServer } from '../../support/loom-server'
import type { GatewayUnderTest } from '../../support/open-gateway'
import { model, openGateway } from '../../support/open-gateway'
import { startLoom } from '../../support/start-loom'
import { until } from '../../support/until'

const cleanUp: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const step of cleanUp.splice(0).reverse()) await step()
})

const body = (stream: boolean) => JSON.stringify({ model, messages: [{ role: 'user', content: 'Hello' }], stream })
const ask = async (loom: LoomServer, key: string, once: string, stream = false) => {
  const response = await fetch(`${loom.url}/v1/chat/completions`, { method: 'POST', headers: { 'authorization': `Bearer ${key}`, 'idempotency-key': once, 'x-billing-amount': '0.001' }, body: body(stream) })
  return { status: response.status, id: response.headers.get('x-request-id'), replayed: response.headers.get('idempotent-replayed'), text: await response.text() }
}

test('kill -9 and a restart: what was answered is given again, what was under way is free again, nothing is charged twice', async () => {
  const gateway = await openGateway({ REPLICA_TIMEOUT_MS: '1000' })
  cleanUp.push(gateway.remove)
  const { key } = await gateway.createKey()
  const [answered, underWay] = [randomUUID(), randomUUID()]
  const first = await ask(gateway.loom, key, answered)
  gateway.upstream.respondWith({ fault: 'never-answers' })
  const lost = ask(gateway.loom, key, underWay).catch(() => undefined)
  await gateway.upstream.received(2)
  await gateway.loom.kill9()
  await lost
  await gateway.loom.start()
  expect(await ask(gateway.loom, key, answered)).toEqual({ ...first, replayed: 'true' })
  expect(await ask(gateway.loom, key, underWay)).toMatchObject({ status: 200, replayed: null })
  await until(async () => (await gateway.api('GET', '/api/wallet')).heldNanoUsd === '0', { what: () => 'the holds to be given back' })
  expect((await gateway.api('GET', '/api/wallet')).balanceNanoUsd).toBe('-2000000')
  await gateway.loom.stop()
  expect(await checkLedgerOf(gateway.loom)).toContain('The ledger is exact')
})

test.runIf(testDatabaseKind === 'postgres')('two replicas: duplicates run once, whichever they reach; when the one that ran them is killed, the other takes over', async () => {
  const { url, drop } = await createPostgresDatabase()
  cleanUp.push(drop)
  const env = { DATABASE_URL: url, REPLICA_TIMEOUT_MS: '1500', ENCRYPTION_MASTER_KEY: '0123456789abcdef'.repeat(4) }
  const gateway: GatewayUnderTest = await openGateway(env)
  cleanUp.push(gateway.remove)
  const doomed = await startLoom({ env })
  cleanUp.push(doomed.remove)
  const { key } = await gateway.createKey()
  const spent = async () => -BigInt(String((await gateway.api('GET', '/api/wallet')).balanceNanoUsd))

  for (const stream of [false, true]) {
    const once = randomUUID()
    gateway.upstream.respondWith({ firstByteDelayMs: 200, chunkIntervalMs: 20 })
    const answers = await Promise.all(Array.from({ length: 10 }, (_, index) => ask(index % 2 ? gateway.loom : doomed, key, once, stream)))
    expect(new Set(answers.map(({ status, id, text }) => `${status} ${id} ${text}`)).size).toBe(1)
    expect(answers[0]?.status).toBe(200)
  }
  expect(gateway.upstream.requests).toHaveLength(2)
  expect(await spent()).toBe(2_000_000n)

  const keys = Array.from({ length: 20 }, () => randomUUID())
  gateway.upstream.respondWith({ fault: 'never-answers' }, { times: keys.length })
  const lost = keys.map(once => ask(doomed, key, once).catch(() => undefined))
  await gateway.upstream.received(2 + keys.length)
  const waiting = keys.flatMap(once => [ask(gateway.loom, key, once), ask(gateway.loom, key, once)])
  await doomed.kill9()
  await Promise.all(lost)
  const taken = await Promise.all(waiting)
  expect(taken.filter(({ status }) => status !== 200)).toEqual([])
  expect(taken.filter(({ replayed }) => replayed === null)).toHaveLength(keys.length)
  await until(async () => (await gateway.api('GET', '/api/wallet')).heldNanoUsd === '0', { what: () => 'the holds of the dead replica to be given back' })
  expect(await spent()).toBe(2_000_000n + 1_000_000n * BigInt(keys.length))
  await gateway.loom.stop()
  expect(await checkLedgerOf(gateway.loom)).toContain('The ledger is exact')
})
