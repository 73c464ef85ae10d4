import { expect, test } from 'vitest'
import { z } from 'zod'
import { testDatabaseKind } from '../../support/database'
import { checkLedgerOf } from '../../support/check-ledger'
import { model, openGateway } from '../../support/open-gateway'
import { startPostgres } from '../../support/postgres'
import { until } from '../../support/until'

const body = JSON.stringify({ model, messages: [{ role: 'user', content: 'Hello' }], max_tokens: 10 })

test.runIf(testDatabaseKind === 'postgres')('a database that freezes: calls and pages get 503 while it lasts, then pass again, and the ledger is exact', async () => {
  const database = await startPostgres()
  if (!database) throw new Error('PostgreSQL is not installed')
  const gateway = await openGateway({ DATABASE_URL: await database.createDatabase('loom'), DATABASE_DEADLINE_MS: '1000', REPLICA_TIMEOUT_MS: '2000' })
  try {
    const { key } = await gateway.createKey()
    const { key: unseen } = await gateway.createKey()
    expect((await gateway.post(key, body)).status).toBe(200)
    const ask = (path: string, init: RequestInit = {}) => fetch(`${gateway.loom.url}${path}`, { ...init, headers: { authorization: `Bearer ${key}` } })
    // Answered by the provider while the database is frozen.
    gateway.upstream.respondWith({ firstByteDelayMs: 6_500 }, { times: 3 })
    const during = [gateway.post(key, body), gateway.post(key, body), gateway.post(key, JSON.stringify({ ...JSON.parse(body), stream: true }))]
    await gateway.upstream.received(4)

    await database.freeze()
    for (const caller of [key, key, unseen]) {
      const refused = await gateway.post(caller, body)
      expect(refused.status).toBe(503)
      expect(await refused.json()).toMatchObject({ error: { code: 'service_unavailable', message: expect.stringContaining('try again') } })
      const line = await until(() => gateway.loom.logs().split('\n').slice(0, -1).find(text => text.includes('"msg":"call"') && text.includes(String(refused.headers.get('x-request-id')))), { what: () => 'the line of the call' })
      expect(JSON.parse(line)).toMatchObject({ msg: 'call', status: 503, error: 'service_unavailable', cause: { type: 'DatabaseSilentError', message: expect.any(String) } })
    }
    for (const [path, init] of [['/v1/traces'], ['/v1/wallet'], ['/v1/policy/check', { method: 'POST', body: JSON.stringify({ endpoint: '/v1/chat/completions', body: JSON.parse(body) }) }]] as const) {
      const refused = await ask(path, init)
      expect([refused.status, refused.headers.get('retry-after'), await refused.json()], path).toEqual([503, '2', { error: expect.objectContaining({ code: 'service_unavailable' }) }])
    }
    for (const path of ['/api/projects', '/api/session', '/api/traces', '/api/orgs/current/members']) {
      const page = await fetch(`${gateway.loom.url}${path}`, { headers: { cookie: gateway.admin.cookie } })
      expect([page.status, await page.json()], path).toEqual([503, { error: expect.objectContaining({ code: 'service_unavailable' }) }])
    }
    const page = await fetch(`${gateway.loom.url}/projects`, { headers: { cookie: gateway.admin.cookie, accept: 'text/html' } })
    expect(page.status).toBe(503)
    expect(await page.text()).toContain('The database does not answer')
    await expect(gateway.api('POST', '/api/projects', { name: 'While it is frozen' })).rejects.toThrow('503')
    const ready = await fetch(`${gateway.loom.url}/ready`)
    expect(ready.status).toBe(503)
    expect(await ready.json()).toMatchObject({ checks: { database: 'unreachable' } })
    const metrics = await (await fetch(`${gateway.loom.url}/metrics`)).text()
    expect(metrics).toMatch(/loom_failures_total\{what="database_silent"\} [1-9]/)
    expect(metrics).toMatch(/^gateway_unserved_total [6-9]$/m)
    // The answers are here and wait to be recorded.
    await until(() => gateway.upstream.requests.every(request => request.answered), { what: () => 'the provider to have answered' })

    database.thaw()
    const answers = await Promise.all(during)
    for (const answer of answers) expect([200, 503]).toContain(answer.status)
    await Promise.all(answers.map(answer => answer.text()))
    await until(async () => (await gateway.post(key, body)).status === 200, { timeoutMs: 30_000, what: () => 'calls to pass again' })
    await until(async () => (await gateway.post(unseen, body)).status === 200, { timeoutMs: 30_000, what: () => 'calls of new keys to pass again' })
    const headers = { 'cookie': gateway.admin.cookie, 'origin': gateway.loom.url, 'content-type': 'application/json' }
    // What was asked of the frozen database is answered first, unheard.
    await until(async () => (await fetch(`${gateway.loom.url}/projects`, { headers })).status === 200, { timeoutMs: 30_000, what: () => 'pages to open again' })
    await until(async () => (await fetch(`${gateway.loom.url}/api/projects`, { method: 'POST', headers, body: JSON.stringify({ name: 'When it answers again' }) })).status === 201, { timeoutMs: 30_000, what: () => 'changes to be taken again' })
    const heldNow = async () => {
      const response = await fetch(`${gateway.loom.url}/api/wallet`, { headers })
      return response.ok ? z.object({ heldNanoUsd: z.string() }).parse(await response.json()).heldNanoUsd : undefined
    }
    await until(async () => await heldNow() === '0', { timeoutMs: 30_000, what: () => 'every hold to be settled' })
    await gateway.loom.stop()
    expect(await checkLedgerOf(gateway.loom)).toContain('The ledger is exact')
  } finally {
    database.thaw()
    await gateway.remove()
    await database.stop()
  }
})
