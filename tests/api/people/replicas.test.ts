import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { CreatedApiKey } from '../../../shared/keys'
import { createPostgresDatabase, testDatabaseKind } from '../../support/database'
import type { LoomServer } from '../../support/loom-server'
import { startLoom } from '../../support/start-loom'
import { until } from '../../support/until'
import { verifyAuditOf } from '../../support/verify-audit'
import { join, PASSWORD, setUp, signInAs, signUp, Visitor } from '../../support/visitor'

const WithOrg = z.object({ org: z.object({ id: z.string() }) })

describe.runIf(testDatabaseKind === 'postgres')('two replicas, whose clocks are ten minutes apart', () => {
  let replicas: [LoomServer, LoomServer]
  let owner: Visitor
  let drop: () => Promise<void>

  beforeAll(async () => {
    const database = await createPostgresDatabase()
    drop = database.drop
    const env = { DATABASE_URL: database.url, ENCRYPTION_MASTER_KEY: '0123456789abcdef'.repeat(4), APP_URL: '', AUTH_FAILURES_PER_MINUTE: '100000' }
    const first = await startLoom({ env })
    replicas = [first, await startLoom({ env: { ...env, NODE_OPTIONS: `--import ${fastClock}` } })]
    owner = await setUp(first)
  })
  afterAll(async () => {
    for (const replica of replicas) await replica.remove()
    await drop()
  })

  test('count guesses at a password together', async () => {
    await join(owner, 'target@example.com', 'viewer')
    const guesses = await Promise.all(Array.from({ length: 16 }, (_, index) => new Visitor(replicas[index % 2] ?? replicas[0])
      .call('POST', '/api/auth/sign-in/email', { email: 'target@example.com', password: `guess number ${index}` })))
    expect(guesses.map(({ status }) => status).sort()).toEqual([...Array.from({ length: 10 }, () => 401), ...Array.from({ length: 6 }, () => 429)])
    for (const replica of replicas) expect((await new Visitor(replica).call('POST', '/api/auth/sign-in/email', { email: 'target@example.com', password: PASSWORD })).status).toBe(429)
  })

  // Without AUTH_SECRET: the master key is enough.
  test('know the same sessions and keys, and refuse both of a deactivated org within a second', async () => {
    const tenant = await signUp(owner, 'tenant@example.com')
    const { org } = WithOrg.parse((await tenant.succeed('GET', '/api/session')).body)
    const { key } = CreatedApiKey.parse((await tenant.succeed('POST', '/api/keys', { name: 'cached' })).body)
    const models = async (loom: LoomServer) => (await fetch(`${loom.url}/v1/models`, { headers: { authorization: `Bearer ${key}` } })).status
    const elsewhere = await signInAs(replicas[1], 'tenant@example.com')
    const projects = (loom: LoomServer) => new Visitor(loom).call('GET', '/api/projects', undefined, { cookie: elsewhere.cookie })
    for (const replica of replicas) expect([await models(replica), (await projects(replica)).status]).toEqual([200, 200])
    await owner.succeed('PATCH', `/api/platform/orgs/${org.id}`, { status: 'inactive' })
    for (const replica of replicas) {
      expect((await projects(replica)).status).toBe(401)
      await until(async () => await models(replica) === 401, { what: () => 'the cached key to be refused' })
    }
  })

  test('write one audit log, whole and in order', async () => {
    const fast = await signInAs(replicas[1], 'ada@example.com')
    await Promise.all(Array.from({ length: 10 }, (_, index) => (index % 2 ? fast : owner).succeed('POST', '/api/keys', { name: `Key ${index}` })))
    await replicas[0].stop()
    await replicas[1].stop()
    expect(await verifyAuditOf(replicas[0])).toContain('The audit log is whole')
  })
})

/** Loaded into a process: its clock is ten minutes ahead. */
const fastClock = `data:text/javascript,${encodeURIComponent('const now=Date.now.bind(Date),R=Date,ahead=600000;globalThis.Date=class extends R{constructor(...a){if(a.length)super(...a);else super(now()+ahead)}static now(){return now()+ahead}}')}`
