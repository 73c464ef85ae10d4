import { randomBytes } from 'node:crypto'
import { v4 as uuidv4, v7 as uuidv7 } from 'uuid'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Database } from '../../../db/client'
import { ensureTracePartitions } from '../../../db/ensure-trace-partitions'
import { traces } from '../../../db/schema'
import { openKeyring } from '../../../server/crypto/keyring'
import { getTrace } from '../../../server/traces/get-trace'
import { openTestDatabase } from '../../support/database'
import { seedWorkspace } from '../../support/seed-workspace'
import type { Workspace } from '../../support/seed-workspace'

const keyring = openKeyring({ ENCRYPTION_MASTER_KEY: randomBytes(32).toString('hex'), LOOM_DATA_DIR: '.unused' })
const createdAt = new Date('2026-03-31T23:59:59.999Z')
let db: Database
let workspace: Workspace
beforeAll(async () => {
  db = await openTestDatabase()
  workspace = await seedWorkspace(db.orm)
  await ensureTracePartitions(db, 2, createdAt)
})
afterAll(() => db.close())

test.each([
  ['of its own time', uuidv7({ msecs: createdAt.getTime() })],
  ['made in the month before, as by an upload that took its time', uuidv7({ msecs: createdAt.getTime() - 3_600_000 })],
  ['that tells another year', uuidv7({ msecs: Date.parse('2024-01-01') })],
  ['that tells the end of time', 'ffffffff-ffff-7fff-8fff-ffffffffffff'],
  ['that tells no time', uuidv4()]
])('a trace is found by an id %s', async (_, id) => {
  await db.orm.insert(traces).values({ id, orgId: workspace.orgId, createdAt, endpoint: 'chat', requestedModel: 'm', model: 'm', provider: 'demo', statusCode: 200, isStream: false, attempts: [], latencyMs: 1, gatewayOverheadMs: 1, inputTokens: 0, outputTokens: 0, cost: 0n })
  expect(await getTrace(db.orm, keyring, workspace, id, false).catch(() => undefined)).toBeUndefined()
  expect(await getTrace(db.orm, keyring, { orgId: workspace.orgId, projectId: null }, id, false)).toMatchObject({ id, createdAt: createdAt.toISOString() })
})
