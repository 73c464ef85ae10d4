import postgres from 'postgres'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { CreatedApiKey } from '../../../shared/keys'
import { testDatabaseKind } from '../../support/database'
import { model, openGateway } from '../../support/open-gateway'
import { until } from '../../support/until'
import { signUp, Visitor } from '../../support/visitor'

const body = JSON.stringify({ model, messages: [{ role: 'user', content: 'Hello' }], max_tokens: 10 })

test.runIf(testDatabaseKind === 'postgres')('a wallet that somebody keeps locked: calls on it are refused in time, those of others pass, and the database is not taken for silent', async () => {
  const gateway = await openGateway({ DATABASE_DEADLINE_MS: '2000', NEW_ORG_WALLET: 'unlimited' })
  const sql = postgres(gateway.loom.env.DATABASE_URL ?? '', { max: 1 })
  const release = Promise.withResolvers<undefined>()
  try {
    const { key } = await gateway.createKey()
    await gateway.api('POST', '/api/connections', { kind: 'openai', name: 'shared', baseUrl: gateway.upstream.baseUrl, secret: 'sk-shared', platform: true })
    const neighbour = await signUp(new Visitor(gateway.loom, { ...gateway.admin }), 'neighbour@example.com')
    const { org } = z.object({ org: z.object({ id: z.string() }) }).parse((await neighbour.succeed('GET', '/api/session')).body)
    const { key: theirs } = CreatedApiKey.parse((await neighbour.succeed('POST', '/api/keys', { name: 'theirs' })).body)
    const shared = body.replace(model, `shared/${model}`)
    for (const [caller, sent] of [[key, body], [theirs, shared]] as const) expect((await gateway.post(caller, sent)).status).toBe(200)

    // One whose money is held already: what it cost can be written down only once the wallet is free.
    const leaving = new AbortController()
    gateway.upstream.respondWith({ fault: 'never-answers' })
    const left = fetch(`${gateway.loom.url}/v1/chat/completions`, { method: 'POST', headers: { authorization: `Bearer ${theirs}` }, body: shared, signal: leaving.signal }).catch(() => undefined)
    await gateway.upstream.received(3)

    const locked = Promise.withResolvers<undefined>()
    const keeping = sql.begin(async (transaction) => {
      await transaction`select from wallets where org_id = ${org.id} for update`
      locked.resolve(undefined)
      await release.promise
    })
    await locked.promise
    leaving.abort()
    await left
    const beside = await Promise.all(Array.from({ length: 8 }, () => gateway.post(key, body)))
    expect(beside.map(({ status }) => status)).toEqual(beside.map(() => 200))
    for (let round = 0; round < 2; round++) {
      expect((await gateway.post(theirs, shared)).status).toBe(503)
      expect((await gateway.post(key, body)).status).toBe(200)
    }
    expect(await (await fetch(`${gateway.loom.url}/metrics`)).text()).not.toMatch(/loom_failures_total\{what="database_silent"\} [1-9]/)
    release.resolve(undefined)
    await keeping
    await until(async () => (await gateway.post(theirs, shared)).status === 200, { what: () => 'calls on the wallet to pass again' })
  } finally {
    release.resolve(undefined)
    await sql.end()
    await gateway.remove()
  }
})
