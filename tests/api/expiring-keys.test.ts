import { afterEach, beforeEach, expect, test } from 'vitest'
import { Writable } from 'node:stream'
import { pino } from 'pino'
import type { Database } from '../../db/client'
import { createKey } from '../../server/keys/create-key'
import { ExpiringKeysWatch } from '../../server/keys/watch-expiring-keys'
import { createMetrics } from '../../server/operations/metrics'
import { CreateKey } from '../../shared/keys'
import { openTestDatabase } from '../support/database'
import { seedWorkspace } from '../support/seed-workspace'

let db: Database
beforeEach(async () => {
  db = await openTestDatabase()
})
afterEach(() => db.close())

test('keys that end within two weeks are counted, and each is logged once', async () => {
  const { principal } = await seedWorkspace(db.orm)
  const lines: string[] = []
  const log = pino(new Writable({ write: (line, _encoding, done) => {
    lines.push(String(line))
    done()
  } }))
  const metrics = createMetrics()
  const watch = new ExpiringKeysWatch(db, metrics, log)
  const inDays = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString()
  const make = (expiresAt?: string) => createKey(db.orm, { principal, ip: null }, CreateKey.parse({ name: 'key', expiresAt }))
  const { id } = await make(inDays(13))
  for (const expiresAt of [inDays(15), undefined]) await make(expiresAt)
  await watch.look()
  await watch.look()
  expect((await metrics.expiringKeys.get()).values).toMatchObject([{ value: 1 }])
  expect(lines.map(line => JSON.parse(line))).toMatchObject([{ keyId: id, orgId: principal.orgId }])
  await db.query(`update api_keys set status = 'revoked', revoked_at = now()`)
  await watch.look()
  expect((await metrics.expiringKeys.get()).values).toMatchObject([{ value: 0 }])
})
