import postgres from 'postgres'
import { z } from 'zod'
import type { KeyLimits, Policy, PolicyDocument } from '../shared/policy'
import { freePort } from '../tests/support/free-port'
import type { LoomServer } from '../tests/support/loom-server'
import { startLoomServer } from '../tests/support/loom-server'
import type { PostgresServer } from '../tests/support/postgres'
import { startPostgres } from '../tests/support/postgres'
import { signIn } from '../tests/support/set-up-loom'
import { mockModels } from './mock-models'
import type { ChildServer } from './processes'
import { postgresPids, startScript } from './processes'

/** Where calls are sent: straight to the mock, through the floor, or through Loom. */
export interface Target {
  name: 'direct' | 'floor' | 'loom'
  origin: string
  headers: Record<string, string>
  /** Put before the mock's model names. */
  modelPrefix: string
  /** What works for this target besides the mock, and is measured: the proxy first. */
  pids: () => number[]
}

/** Loom on a database of its own, with a connection to the mock, prices and a key. */
export interface ConnectedLoom {
  loom: Target
  loomServer: LoomServer
  databaseUrl: string
  apiKey: string
  /** What another replica needs to work on the same database. */
  replicaEnv: Record<string, string>
  /** Asks the browser's API of Loom as its admin. */
  api: AdminApi
}

export interface Bench extends ConnectedLoom {
  direct: Target
  floor: Target
  /** Starts another one, on another database of the same PostgreSQL. */
  openLoom: (databaseName: string) => Promise<ConnectedLoom>
  stop: () => Promise<void>
}

type AdminApi = (method: 'GET' | 'POST' | 'PATCH' | 'PUT', path: string, body?: unknown) => Promise<unknown>

const account = { email: 'bench@example.com', password: 'a password for the bench' }
const json = { 'content-type': 'application/json' }

/** Starts everything, each in a process of its own. */
export async function startBench(): Promise<Bench> {
  const database = await startPostgres({ durable: true })
  if (!database) throw new Error('The benchmarks need PostgreSQL (Debian: apt-get install postgresql)')
  const mockPort = await freePort()
  const floorPort = await freePort()
  const mockUrl = `http://127.0.0.1:${mockPort}`
  const mock = await startScript('mock.ts', [String(mockPort)])
  const floor = await startScript('floor.ts', [mockUrl, String(floorPort)])
  await makeWal(database.url)
  const looms: ConnectedLoom[] = []
  const openLoom = async (name: string) => {
    const loom = await startConnectedLoom(await database.createDatabase(name), `${mockUrl}/v1`)
    looms.push(loom)
    return loom
  }
  return {
    ...await openLoom('loom'),
    direct: { name: 'direct', origin: mockUrl, headers: json, modelPrefix: '', pids: () => [] },
    floor: { name: 'floor', origin: `http://127.0.0.1:${floorPort}`, headers: json, modelPrefix: '', pids: () => [floor.pid] },
    openLoom,
    stop: () => stopAll(looms, [mock, floor], database)
  }
}

async function startConnectedLoom(databaseUrl: string, upstreamUrl: string): Promise<ConnectedLoom> {
  const replicaEnv = { DATABASE_URL: databaseUrl, ENCRYPTION_MASTER_KEY: '0123456789abcdef'.repeat(4) }
  const loomServer = await startLoomServer({
    env: { ...replicaEnv, ADMIN_EMAIL: account.email, ADMIN_PASSWORD: account.password },
    keepLogs: false
  })
  const api = await signInAdmin(loomServer)
  const apiKey = await connectLoom(api, upstreamUrl)
  const pids = () => [loomServer.process.pid ?? 0, ...postgresPids(Number(new URL(databaseUrl).port))]
  const loom: Target = { name: 'loom', origin: loomServer.url, headers: { ...json, authorization: `Bearer ${apiKey}` }, modelPrefix: 'bench/', pids }
  return { loom, loomServer, databaseUrl, apiKey, replicaEnv, api }
}

async function stopAll(looms: ConnectedLoom[], children: ChildServer[], database: PostgresServer): Promise<void> {
  for (const { loomServer } of looms) await loomServer.remove()
  for (const child of children) child.stop()
  await database.stop()
}

const WAL_SEGMENTS = 30

/**
 * Fills WAL segments and has PostgreSQL keep them for reuse, as a server in use has them. A new one only makes them while it is measured, and
 * for each every commit waits 50 ms.
 */
async function makeWal(databaseUrl: string): Promise<void> {
  const sql = postgres(databaseUrl, { max: 1 })
  await sql`alter system set min_wal_size = '1GB'`
  await sql`select pg_reload_conf()`
  for (let segment = 0; segment < WAL_SEGMENTS; segment++) {
    await sql`select pg_logical_emit_message(false, 'bench', 'fill')`
    await sql`select pg_switch_wal()`
  }
  await sql.end()
  await checkpoint(databaseUrl)
}

/**
 * Has PostgreSQL write down what it has changed, and reuse the WAL segments written so far. Else what is measured would pay for what was measured before:
 * Linux writes that down half a minute later, hundreds of megabytes at once, and new segments may have to be made.
 */
export async function checkpoint(databaseUrl: string): Promise<void> {
  const sql = postgres(databaseUrl, { max: 1 })
  await sql`checkpoint`
  await sql.end()
}

async function signInAdmin(loom: LoomServer): Promise<AdminApi> {
  const session = await signIn(loom, account)
  return async (method, path, body) => {
    const response = await fetch(loom.url + path, { method, headers: { ...session, 'origin': loom.url, 'content-type': 'application/json' }, body: JSON.stringify(body) })
    if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}: ${await response.text()}`)
    return await response.json()
  }
}

/** Every rule there is, none of which a bench reaches. */
const everyRule = {
  deniedModels: ['no-such-model', 'secret-*'], allowedIps: ['127.0.0.0/8', '10.0.0.0/8'], maxBodyBytes: 5_000_000, maxInputTokens: 500_000, maxOutputTokens: 100_000,
  maxConcurrent: 100_000, requestsPerMinute: 100_000_000, tokensPerMinute: 1_000_000_000_000, budgets: { day: '100000000', week: '100000000', month: '100000000', total: '100000000' }
} satisfies KeyLimits
const everyPolicy = { ...everyRule, allowedModels: ['*'], allowedScopes: ['chat'], expiresAt: '2099-01-01T00:00:00Z' } satisfies Policy

const Created = z.object({ id: z.string() })
export const CreatedKey = Created.extend({ key: z.string() })

/** @returns an API key that may call the mock's models, with every rule on at each of the four levels */
async function connectLoom(api: AdminApi, baseUrl: string): Promise<string> {
  for (const model of Object.keys(mockModels)) {
    await api('POST', '/api/models/prices', { providerKind: 'openai-compatible', model, inputNanoUsd: '2500000000', outputNanoUsd: '10000000000' })
  }
  await api('POST', '/api/connections', { kind: 'openai-compatible', name: 'bench', baseUrl, secret: 'bench', platform: true })
  for (const path of ['/api/platform/policy', '/api/orgs/current/policy']) await api('PUT', path, { policy: everyPolicy } satisfies PolicyDocument)
  const project = Created.parse(await api('POST', '/api/projects', { name: 'bench' }))
  await api('PATCH', `/api/projects/${project.id}`, { policy: everyPolicy })
  return CreatedKey.parse(await api('POST', '/api/keys', { name: 'bench', projectId: project.id, limits: everyRule })).key
}
