import { setImmediate } from 'node:timers/promises'
import { eq } from 'drizzle-orm'
import { v7 as uuidv7 } from 'uuid'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Database } from '../../../db/client'
import { modelPrices, modelRoutes, modelRouteTargets, orgs, providerConnections } from '../../../db/schema'
import { CATALOG_CHANNEL, openCatalog } from '../../../server/catalog/catalog'
import type { Catalog } from '../../../server/catalog/catalog'
import { listSnapshotModels } from '../../../server/catalog/list-models'
import { loadSnapshot } from '../../../server/catalog/load-snapshot'
import { getAllowedModel, listAllowedModels } from '../../../server/catalog/list-allowed-models'
import { secretContext } from '../../../server/catalog/open-connection'
import { toWireModel } from '../../../server/catalog/wire-models'
import { seal } from '../../../server/crypto/envelope'
import { compilePolicy } from '../../../server/policy/compile-policy'
import { openKeyring } from '../../../server/crypto/keyring'
import type { Keyring } from '../../../server/crypto/keyring'
import { ModelList } from '../../../shared/catalog'
import { openTestDatabase } from '../../support/database'
import { seedWorkspace } from '../../support/seed-workspace'
import { until } from '../../support/until'

const keyring: Keyring = openKeyring({ ENCRYPTION_MASTER_KEY: 'a'.repeat(64), LOOM_DATA_DIR: '.' })

let db: Database
let own: { orgId: string, salt: Buffer }
let other: { orgId: string, salt: Buffer }
let catalog: Catalog
let warnings: string[]

beforeAll(async () => {
  db = await openTestDatabase()
})
afterAll(() => db.close())

beforeEach(async () => {
  await db.orm.delete(modelRouteTargets)
  await db.orm.delete(modelRoutes)
  await db.orm.delete(modelPrices)
  await db.orm.delete(providerConnections)
  own = await seedOrg()
  other = await seedOrg()
  warnings = []
  catalog = await openCatalog({ db, keyring, log: { warn: (_details, message) => warnings.push(message) } })
})
afterEach(() => catalog.close())

async function seedOrg() {
  const { orgId } = await seedWorkspace(db.orm)
  const [org] = await db.orm.select({ salt: orgs.encryptionSalt }).from(orgs).where(eq(orgs.id, orgId))
  if (!org) throw new Error('the org was just made')
  return { orgId, salt: org.salt }
}

async function seedConnection(owner: typeof own | null, name: string, rest: Partial<typeof providerConnections.$inferInsert> & { key?: string } = {}): Promise<string> {
  const id = uuidv7()
  const { key = `key of ${name}`, ...row } = rest
  const sealed = seal(owner ? keyring.forOrg(owner.orgId, owner.salt) : keyring.forPlatform(), secretContext(owner?.orgId ?? null, id), Buffer.from(key))
  await db.orm.insert(providerConnections).values({ id, orgId: owner?.orgId ?? null, kind: 'openai', name, secret: sealed.data, secretIv: sealed.iv, encryptionKeyVersion: 1, ...row })
  return id
}

async function seedRoute(owner: typeof own | null, alias: string, targets: { connectionId: string, upstreamModel: string, priority?: number, weight?: number }[]) {
  const routeId = uuidv7()
  const orgId = owner?.orgId ?? null
  await db.orm.insert(modelRoutes).values({ id: routeId, orgId, alias })
  for (const target of targets) await db.orm.insert(modelRouteTargets).values({ orgId, routeId, ...target })
}

const resolve = (model: string, org = own) => catalog.resolveTargets(org.orgId, model)
const names = async (model: string, org = own) => (await resolve(model, org)).map(target => `${target.connection.name}:${target.upstreamModel}`)

describe('a model\'s name leads to', () => {
  test('the org\'s own route before the platform\'s, its targets by priority', async () => {
    const platform = await seedConnection(null, 'platform-openai')
    const mine = await seedConnection(own, 'mine')
    await seedRoute(null, 'fast', [{ connectionId: platform, upstreamModel: 'gpt-4o-mini' }])
    expect(await names('fast')).toEqual(['platform-openai:gpt-4o-mini'])
    await seedRoute(own, 'fast', [{ connectionId: platform, upstreamModel: 'gpt-4o', priority: 2, weight: 3 }, { connectionId: mine, upstreamModel: 'gpt-5', priority: 1 }])
    catalog.invalidate(own.orgId)
    expect(await resolve('fast')).toMatchObject([
      { connection: { name: 'mine' }, upstreamModel: 'gpt-5', priority: 1, weight: 1 },
      { connection: { name: 'platform-openai' }, upstreamModel: 'gpt-4o', priority: 2, weight: 3 }
    ])
    expect(await names('fast', other)).toEqual(['platform-openai:gpt-4o-mini'])
  })

  test('a connection by name, whatever the model, even one with slashes', async () => {
    await seedConnection(own, 'local', { kind: 'openai-compatible', baseUrl: 'http://localhost:11434/v1' })
    expect(await names('local/meta/llama-3')).toEqual(['local:meta/llama-3'])
    expect(await names('local/')).toEqual([])
    expect(await names('local')).toEqual([])
  })

  test('a connection that offers the bare name, the org\'s own first', async () => {
    await seedConnection(null, 'openai')
    expect(await names('gpt-4o-mini')).toEqual(['openai:gpt-4o-mini'])
    await seedConnection(own, 'openai')
    catalog.invalidate(own.orgId)
    const [target] = await resolve('gpt-4o-mini')
    expect(target).toMatchObject({ connection: { secret: 'key of openai' }, provider: { kind: 'openai' }, contextWindow: 128_000, maxOutputTokens: 16_384 })
    const [row] = await db.orm.select().from(providerConnections).where(eq(providerConnections.id, target?.connection.id ?? ''))
    expect(row?.orgId).toBe(own.orgId)
  })

  test('nothing when nobody knows it, or the connection is disabled', async () => {
    await seedConnection(own, 'off', { status: 'disabled' })
    expect(await names('gpt-4o-mini')).toEqual([])
    expect(await names('off/gpt-4o-mini')).toEqual([])
    expect(await catalog.listModels(own.orgId)).toEqual([])
  })
})

describe('another org\'s connection', () => {
  test('never resolves: not by bare name, not by its own name, not through a route that points at it', async () => {
    const theirs = await seedConnection(other, 'theirs')
    await seedRoute(own, 'stolen', [{ connectionId: theirs, upstreamModel: 'gpt-4o' }])
    await seedRoute(null, 'shared', [{ connectionId: theirs, upstreamModel: 'gpt-4o' }])
    for (const model of ['gpt-4o', 'theirs/gpt-4o', 'stolen', 'shared']) expect(await names(model)).toEqual([])
    expect(await catalog.listModels(own.orgId)).toEqual([])
    // Nor does a platform route lead its owner there: what the platform offers, it offers with its own credentials.
    expect(await names('shared', other)).toEqual([])
    expect(await names('theirs/gpt-4o', other)).toEqual(['theirs:gpt-4o'])
  })

  test('has a secret that no other org\'s key opens', async () => {
    const id = await seedConnection(other, 'moved')
    await db.orm.update(providerConnections).set({ orgId: own.orgId }).where(eq(providerConnections.id, id))
    await expect(resolve('moved/gpt-4o')).rejects.toMatchObject({ code: 'no_healthy_target' })
  })
})

test('one unreadable connection leaves a route its other targets, and is logged', async () => {
  const broken = await seedConnection(own, 'broken', { secret: Buffer.alloc(40) })
  const sound = await seedConnection(own, 'sound')
  await seedRoute(own, 'both', [{ connectionId: broken, upstreamModel: 'gpt-4o' }, { connectionId: sound, upstreamModel: 'gpt-4o' }])
  expect(await names('both')).toEqual(['sound:gpt-4o'])
  expect(warnings).toHaveLength(1)
})

describe('the price of a target', () => {
  const priceOf = async (model: string, org = own) => (await resolve(model, org))[0]?.price
  const override = (owner: typeof own | null, inputPrice: bigint, effectiveFrom: string) =>
    db.orm.insert(modelPrices).values({ orgId: owner?.orgId ?? null, providerKind: 'openai', model: 'gpt-4o', inputPrice, outputPrice: 1n, effectiveFrom: new Date(effectiveFrom) }).returning({ id: modelPrices.id })

  test('is the catalogue\'s, until the newest override in effect: the org\'s own, else the platform\'s', async () => {
    await seedConnection(null, 'openai')
    expect(await priceOf('gpt-4o')).toMatchObject({ source: expect.stringMatching(/^catalog:/), inputPrice: 2_500_000_000n, cachedInputPrice: 1_250_000_000n })
    await override(null, 1n, '2020-01-01')
    const [newer] = await override(null, 2n, '2021-01-01')
    await override(null, 3n, '2999-01-01')
    await override(own, 4n, '2019-01-01')
    catalog.invalidate('platform')
    expect(await priceOf('gpt-4o')).toMatchObject({ inputPrice: 4n })
    expect(await priceOf('gpt-4o', other)).toEqual({ source: `override:${newer?.id}`, inputPrice: 2n, outputPrice: 1n, cachedInputPrice: 1n })
  })

  test('is that of its connection, the org\'s own before the platform\'s, before that of the kind', async () => {
    const openai = await seedConnection(null, 'openai')
    await seedConnection(null, 'elsewhere')
    const overConnection = (owner: typeof own | null, inputPrice: bigint) =>
      db.orm.insert(modelPrices).values({ orgId: owner?.orgId ?? null, providerKind: 'openai', connectionId: openai, model: 'gpt-4o', inputPrice, outputPrice: 1n, effectiveFrom: new Date('2019-01-01') })
    await override(own, 4n, '2021-01-01')
    await overConnection(null, 5n)
    expect(await priceOf('openai/gpt-4o')).toMatchObject({ inputPrice: 5n })
    expect(await priceOf('elsewhere/gpt-4o')).toMatchObject({ inputPrice: 4n })
    expect(await priceOf('elsewhere/gpt-4o', other)).toMatchObject({ inputPrice: 2_500_000_000n })
    await overConnection(own, 6n)
    catalog.invalidate('platform')
    expect(await priceOf('openai/gpt-4o')).toMatchObject({ inputPrice: 6n })
    expect(await priceOf('openai/gpt-4o', other)).toMatchObject({ inputPrice: 5n })
    await db.orm.delete(providerConnections).where(eq(providerConnections.id, openai))
    expect(await db.orm.select({ inputPrice: modelPrices.inputPrice }).from(modelPrices)).toEqual([{ inputPrice: 4n }])
  })

  test('is unknown, not zero, for a private server\'s model', async () => {
    await seedConnection(own, 'local', { kind: 'openai-compatible', baseUrl: 'http://10.0.0.1/v1', config: { models: ['gpt-4o'] } })
    expect(await resolve('gpt-4o')).toMatchObject([{ price: undefined }])
  })
})

test('a change reaches the catalog by notification: an org\'s own its own entries, a platform one everybody\'s', async () => {
  expect(await names('gpt-4o')).toEqual([])
  await seedConnection(own, 'mine')
  expect(await names('gpt-4o')).toEqual([])
  await db.notify(CATALOG_CHANNEL, own.orgId)
  await until(async () => (await names('gpt-4o')).length === 1)
  expect(await names('gpt-4o', other)).toEqual([])
  await seedConnection(null, 'openai')
  expect(await names('gpt-4o', other)).toEqual([])
  await db.notify(CATALOG_CHANNEL, 'platform')
  await until(async () => (await names('gpt-4o', other)).length === 1)
})

test('a cold load takes four queries, and what is in memory none', async () => {
  await seedConnection(own, 'mine')
  let queries = 0
  const counted = await openCatalog({ db: { ...db, orm: countSelects(() => queries++) }, keyring, log: { warn: () => {} } })
  await Promise.all([1, 2, 3].map(() => counted.resolveTargets(own.orgId, 'gpt-4o')))
  await counted.listModels(own.orgId)
  expect(queries).toBe(4)
})

function countSelects(count: () => void): Database['orm'] {
  return new Proxy(db.orm, {
    get(target, property, receiver) {
      if (property === 'select') count()
      return Reflect.get(target, property, receiver)
    }
  })
}

describe('the list of models', () => {
  test('names everything once, and what another hides by its connection', async () => {
    const mine = await seedConnection(own, 'mine', { kind: 'openai-compatible', baseUrl: 'http://localhost/v1', config: { models: ['demo', 'llama'] } })
    await seedConnection(null, 'demo', { kind: 'demo', secret: null, secretIv: null })
    await seedRoute(own, 'smart', [{ connectionId: mine, upstreamModel: 'llama' }])
    const models = ModelList.parse({ models: await catalog.listModels(own.orgId) }).models
    expect(models.map(({ id, source, platform }) => [id, source, platform])).toEqual([
      ['smart', 'route', false],
      ['demo', 'connection', false],
      ['llama', 'connection', false],
      ['demo/demo', 'connection', true],
      ['demo-reasoning', 'connection', true]
    ])
    // Each listed name leads where the list says.
    for (const model of models) expect(await names(model.id)).toEqual([`${model.connectionName}:${model.upstreamModel}`])
  })

  test('is made by turns, however long it is, and ends somewhere', async () => {
    const models = Array.from({ length: 1_000 }, (_, index) => `unknown-${index}`)
    for (const name of ['a', 'b', 'c', 'd', 'e', 'f']) await seedConnection(own, name, { kind: 'openai-compatible', baseUrl: 'https://api.groq.com/openai/v1', config: { models: models.map(model => `${name}-${model}`) } })
    const snapshot = await loadSnapshot(db.orm, own.orgId)
    const order: string[] = []
    const others = async () => {
      await setImmediate()
      await setImmediate()
      order.push('somebody else')
    }
    await Promise.all([listSnapshotModels(snapshot), listSnapshotModels(snapshot), others()].map(async (work) => {
      const done = await work
      if (done) order.push(`a list of ${done.size}`)
    }))
    expect(order).toEqual(['somebody else', 'a list of 5000', 'a list of 5000'])
    expect(await names('f-unknown-999')).toEqual(['f:f-unknown-999'])
  })

  test('holds no secret', async () => {
    await seedConnection(own, 'mine', { key: 'sk-very-secret' })
    await resolve('gpt-4o')
    expect(JSON.stringify(await catalog.listModels(own.orgId))).not.toContain('secret')
  })

  test('is cut to what a key may use, dated and explicit names included', async () => {
    await seedConnection(own, 'mine')
    const caller = { orgId: own.orgId, policy: compilePolicy([{ scope: 'key', id: own.orgId, policy: { allowedModels: ['gpt-4o-2024-08-06', 'mine/gpt-5', 'gone'] } }], { timeZone: 'UTC' }) }
    expect((await listAllowedModels(catalog, caller)).map(model => model.id)).toEqual(['gpt-4o-2024-08-06', 'mine/gpt-5'])
    expect(await getAllowedModel(catalog, caller, 'mine/gpt-5')).toMatchObject({ upstreamModel: 'gpt-5' })
    await expect(getAllowedModel(catalog, caller, 'gpt-4o')).rejects.toMatchObject({ code: 'model_not_found' })
    await expect(getAllowedModel(catalog, caller, 'gone')).rejects.toMatchObject({ code: 'model_not_found' })
  })

  test('leaves out what leads to denied models alone, and shows of a route the target that is left', async () => {
    const [mine, azure] = [await seedConnection(own, 'mine'), await seedConnection(own, 'azure', { kind: 'azure', baseUrl: 'https://x.example', config: { deployments: { prod: 'gpt-4o-mini' } } })]
    await seedRoute(own, 'innocent', [{ connectionId: mine, upstreamModel: 'gpt-4o-mini' }, { connectionId: azure, upstreamModel: 'prod', priority: 1 }])
    await seedRoute(own, 'mixed', [{ connectionId: mine, upstreamModel: 'gpt-4o-mini' }, { connectionId: mine, upstreamModel: 'gpt-4o', priority: 1 }])
    const caller = { orgId: own.orgId, policy: compilePolicy([{ scope: 'org', id: own.orgId, policy: { deniedModels: ['gpt-4o-mini', 'mine/gpt-5'] } }], { timeZone: 'UTC' }) }
    const listed = await listAllowedModels(catalog, caller)
    const ids = listed.map(model => model.id)
    expect(ids).toEqual(expect.arrayContaining(['mixed', 'gpt-4o']))
    for (const denied of ['innocent', 'prod', 'azure/prod', 'gpt-4o-mini', 'mine/gpt-4o-mini', 'gpt-5']) {
      expect(ids).not.toContain(denied)
      await expect(getAllowedModel(catalog, caller, denied), denied).rejects.toMatchObject({ code: 'model_not_found' })
    }
    expect(listed.find(({ id }) => id === 'mixed')).toMatchObject({ upstreamModel: 'gpt-4o' })
    expect(await getAllowedModel(catalog, caller, 'mixed')).toMatchObject({ upstreamModel: 'gpt-4o' })
  })

  test('under a rule costs no look-up for each of its models', async () => {
    const models = Array.from({ length: 500 }, (_, n) => `llama-${n}`)
    const mine = await seedConnection(own, 'mine', { kind: 'openai-compatible', baseUrl: 'http://localhost/v1', config: { models } })
    await seedRoute(own, 'smart', [{ connectionId: mine, upstreamModel: 'llama-7' }, { connectionId: mine, upstreamModel: 'llama-8', priority: 1 }])
    const caller = { orgId: own.orgId, policy: compilePolicy([{ scope: 'org', id: own.orgId, policy: { deniedModels: ['llama-7'] } }], { timeZone: 'UTC' }) }
    const lookedFor: string[] = []
    const watched: Catalog = { ...catalog, findModel: (orgId, id, accepts) => {
      lookedFor.push(id)
      return catalog.findModel(orgId, id, accepts)
    } }
    const listed = await listAllowedModels(watched, caller)
    expect(listed.map(({ id }) => id)).toEqual(['smart', ...models.filter(id => id !== 'llama-7')])
    expect(listed[0]).toMatchObject({ upstreamModel: 'llama-8' })
    expect(lookedFor).toEqual(['smart'])
  })

  test('names by its connection what another answers to unlisted', async () => {
    await seedConnection(own, 'first')
    await seedConnection(own, 'second', { kind: 'openai-compatible', baseUrl: 'http://localhost/v1', config: { models: ['gpt-4o-2024-08-06'] } })
    expect(await names('gpt-4o-2024-08-06')).toEqual(['first:gpt-4o-2024-08-06'])
    const listed = await catalog.listModels(own.orgId)
    expect(listed.filter(({ connectionName }) => connectionName === 'second').map(({ id }) => id)).toEqual(['second/gpt-4o-2024-08-06'])
  })

  test('reads as OpenAI\'s, with prices in exact USD per token', async () => {
    await seedConnection(own, 'mine')
    const model = await catalog.findModel(own.orgId, 'gpt-4o-mini')
    expect(model && toWireModel(model)).toMatchObject({
      id: 'gpt-4o-mini', object: 'model', owned_by: 'org', provider: 'openai', context_window: 128_000, created: expect.any(Number),
      pricing: { prompt: '0.00000015', completion: '0.0000006', input_cache_read: '0.000000075' }
    })
  })
})
