import { randomBytes } from 'node:crypto'
import { v7 as uuidv7 } from 'uuid'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Database } from '../../db/client'
import { apiKeys } from '../../db/schema'
import type { Claim } from '../../server/idempotency/claim-key'
import { claimKey, isRunning } from '../../server/idempotency/claim-key'
import { hashRequest } from '../../server/idempotency/read-key'
import { sweepClaims } from '../../server/idempotency/sweep-claims'
import { registerReplica, unregisterReplica } from '../../server/operations/replica'
import { openTestDatabase } from '../support/database'
import { seedWorkspace } from '../support/seed-workspace'

let db: Database
const claimant = { replicaId: uuidv7(), replicaTimeoutMs: 60_000 }
const owner = { orgId: '', apiKeyId: uuidv7() }

beforeAll(async () => {
  db = await openTestDatabase()
  const { orgId } = await seedWorkspace(db.orm)
  owner.orgId = orgId
  await db.orm.insert(apiKeys).values({ id: owner.apiKeyId, orgId, name: 'k', keyPrefix: 'k', keyHash: randomBytes(32).toString('hex'), scopes: ['inference'] })
  await registerReplica(db, claimant.replicaId, 'test')
})
afterAll(() => db.close())

const claimOf = (key: string): Claim => ({ ...owner, key, requestHash: 'hash', requestId: uuidv7() })

test('of twenty racing claims one has the key; each other is told that it runs', async () => {
  const results = await Promise.all(Array.from({ length: 20 }, () => claimKey(db, claimant, claimOf('raced'))))
  expect(results.map(({ state }) => state).sort()).toEqual(['claimed', ...Array.from({ length: 19 }, () => 'running')])
  expect(await isRunning(db, 60_000, { ...owner, key: 'raced' })).toBe(true)
})

test('a claim of a process that is gone is taken over, once', async () => {
  const gone = uuidv7()
  await registerReplica({ ...db, kind: 'postgres' }, gone, 'test')
  expect((await claimKey(db, { ...claimant, replicaId: gone }, claimOf('orphan'))).state).toBe('claimed')
  expect((await claimKey(db, claimant, claimOf('orphan'))).state).toBe('running')
  await unregisterReplica(db, gone)
  const results = await Promise.all(Array.from({ length: 5 }, () => claimKey(db, claimant, claimOf('orphan'))))
  expect(results.filter(({ state }) => state === 'claimed')).toHaveLength(1)
})

test('an answer is forgotten when its time has passed, whoever is asked', async () => {
  await claimKey(db, claimant, claimOf('old'))
  await db.query(`update idempotency_keys set head = '{}', expires_at = now() - interval '1 second' where key = 'old'`)
  expect(await isRunning(db, 60_000, { ...owner, key: 'old' })).toBe(false)
  expect((await claimKey(db, claimant, claimOf('old'))).state).toBe('claimed')
})

test('an answer that an earlier version kept, which did not say at which connection it was asked for, is given all the same', async () => {
  const head = { requestId: uuidv7(), contentType: 'application/json', provider: 'openai', model: 'gpt-4o-mini', attempts: 1, cache: 'none', costUsd: '0' }
  const claim = claimOf('earlier')
  await claimKey(db, claimant, claim)
  await db.query('update idempotency_keys set head = $1::jsonb where request_id = $2', [head, claim.requestId])
  expect(await claimKey(db, claimant, claimOf('earlier'))).toMatchObject({ state: 'answered', head })
})

test('the sweeper deletes what has expired, what is orphaned and what was claimed unnoticed, and leaves the rest', async () => {
  const mine = claimOf('mine')
  await claimKey(db, claimant, mine)
  await claimKey(db, claimant, claimOf('unnoticed'))
  await claimKey(db, { ...claimant, replicaId: uuidv7() }, claimOf('orphaned'))
  await claimKey(db, claimant, claimOf('expired'))
  await db.query(`update idempotency_keys set created_at = now() - interval '2 minutes' where key in ('mine', 'unnoticed')`)
  await db.query(`update idempotency_keys set head = '{}', expires_at = now() - interval '1 second' where key = 'expired'`)
  await sweepClaims(db, { ...claimant, open: new Set([mine.requestId]) })
  const left = await db.query(`select key from idempotency_keys where key in ('mine', 'unnoticed', 'orphaned', 'expired')`)
  expect(left).toEqual([{ key: 'mine' }])
})

test('a request is itself byte by byte', () => {
  const hash = (rest: Partial<Parameters<typeof hashRequest>[0]>) => hashRequest({ path: '/v1/x', headers: [undefined], body: Buffer.from('{}'), ...rest })
  expect(hash({})).toBe(hash({}))
  expect(new Set([hash({}), hash({ body: Buffer.from('{} ') }), hash({ path: '/v1/y' }), hash({ headers: ['1'] }), hash({ headers: ['null'] })]).size).toBe(5)
})
