import postgres from 'postgres'
import { z } from 'zod'
import { generateKey, hashKey, shownPrefix } from '../server/keys/key-format'
import type { Arrivals, LoadGenerator } from './load'
import { CHAT_PATH, chatCall, nothing, runRound } from './measure'
import type { Measurement } from './measure'
import { saturated } from './scenarios'
import type { Bench, ConnectedLoom } from './set-up'
import { checkpoint } from './set-up'

const KEYS = 5_000
const MODELS = 200

const arrivals: Arrivals = { kind: 'closed', concurrency: 32 }

export interface FewAndMany { few: Measurement, many: Measurement }

/**
 * A Loom with one key that calls one model, and one with 5,000 keys that call 200, by turns, each on a database of its own. Every rule is on at each level, but for budgets
 * of the keys themselves: calls share a lease only within the same budgets, and of so many keys none calls often enough to have one.
 */
export async function measureManyKeys(bench: Bench, load: LoadGenerator, { rounds, seconds, warmUpSeconds }: { rounds: number, seconds: number, warmUpSeconds: number }): Promise<FewAndMany> {
  const few = await openSide(bench, 1, 1)
  const many = await openSide(await bench.openLoom('many_keys'), KEYS, MODELS)
  for (const { target, calls } of [few, many]) await runRound(load, target, calls, arrivals, { seed: 1, seconds: warmUpSeconds }, nothing())
  for (let round = 1; round <= rounds; round++) {
    await checkpoint(bench.databaseUrl)
    for (const { target, calls, measured } of [few, many]) await runRound(load, target, calls, arrivals, { seed: round, seconds }, measured)
  }
  return { few: few.measured, many: many.measured }
}

/** Gives Loom so many routes to the mock's model, and so many keys that may call these alone. @returns a call by each key, of one of the models */
async function openSide({ loom, api, databaseUrl, apiKey }: ConnectedLoom, keyCount: number, modelCount: number) {
  const connectionId = await findConnection(api)
  const prefixes = Array.from({ length: modelCount }, (_, index) => `route-${index}-`)
  const models = prefixes.map(prefix => prefix + saturated.model)
  for (const alias of models) await api('POST', '/api/models/routes', { alias, targets: [{ connectionId, upstreamModel: saturated.model }], platform: true })
  const keys = await addKeys(databaseUrl, apiKey, keyCount, models)
  const calls = keys.map((key, index) => chatCall({ headers: { ...loom.headers, authorization: `Bearer ${key}` }, modelPrefix: prefixes[index % modelCount] ?? '' }, saturated))
  return { target: loom, calls: { origin: loom.origin, path: CHAT_PATH, calls }, measured: nothing() }
}

async function findConnection(api: ConnectedLoom['api']): Promise<string> {
  const { connections } = z.object({ connections: z.array(z.object({ id: z.string(), name: z.string() })) }).parse(await api('GET', '/api/connections'))
  const connection = connections.find(({ name }) => name === 'bench')
  if (!connection) throw new Error('The mock is not connected')
  return connection.id
}

/** Keys like `like`, but without budgets, written at once. */
async function addKeys(databaseUrl: string, like: string, count: number, models: string[]): Promise<string[]> {
  const keys = Array.from({ length: count }, generateKey)
  const sql = postgres(databaseUrl, { max: 1 })
  await sql`
    insert into api_keys (id, org_id, project_id, name, key_prefix, key_hash, scopes, allowed_models, limits, created_by)
    select gen_random_uuid(), k.org_id, k.project_id, k.name, made.prefix, made.hash, k.scopes, ${models}::text[], k.limits - 'budgets', k.created_by
      from api_keys k, unnest(${keys.map(shownPrefix)}::text[], ${keys.map(hashKey)}::text[]) as made(prefix, hash)
     where k.key_hash = ${hashKey(like)}`
  await sql.end()
  return keys
}
