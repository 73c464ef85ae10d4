import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { AuditPage } from '../../shared/audit'
import { ModelList } from '../../shared/catalog'
import { Connection, ConnectionList } from '../../shared/connections'
import { ModelPrice, ModelPriceList, ModelRoute, ModelRouteList } from '../../shared/model-routes'
import type { LoomServer } from '../support/loom-server'
import { startLoom } from '../support/start-loom'
import type { Visitor } from '../support/visitor'
import { setUp, signUp } from '../support/visitor'

let loom: LoomServer
/** Runs the platform, too. */
let operator: Visitor
/** Owner of another org. */
let tenant: Visitor
let demo: string

/** Replicas hear of a change within a second. */
const soon = { timeout: 5_000, interval: 20 }

beforeAll(async () => {
  loom = await startLoom()
  operator = await setUp(loom)
  tenant = await signUp(operator, 'tenant@example.com')
  const { connections } = ConnectionList.parse((await tenant.succeed('GET', '/api/connections')).body)
  demo = connections.find(({ kind }) => kind === 'demo')?.id ?? ''
})
afterAll(() => loom?.remove())

const modelsOf = async (visitor: Visitor) => ModelList.parse((await visitor.succeed('GET', '/api/models')).body).models
const create = async (visitor: Visitor, input: object) => ModelRoute.parse((await visitor.succeed('POST', '/api/models/routes', input)).body)

describe('a model route', () => {
  test('is a model at once, under its alias, until it is deleted', async () => {
    const route = await create(tenant, { alias: 'fast', targets: [{ connectionId: demo, upstreamModel: 'demo' }, { connectionId: demo, upstreamModel: 'demo-reasoning', priority: 1 }] })
    expect(route.targets.map(({ upstreamModel }) => upstreamModel)).toEqual(['demo', 'demo-reasoning'])
    await expect.poll(() => modelsOf(tenant), soon).toContainEqual(expect.objectContaining({ id: 'fast', source: 'route', upstreamModel: 'demo' }))
    await expect.poll(async () => (await modelsOf(operator)).map(({ id }) => id), soon).not.toContain('fast')
    await tenant.succeed('PATCH', `/api/models/routes/${route.id}`, { alias: 'slow', targets: [{ connectionId: demo, upstreamModel: 'demo-reasoning' }] })
    await expect.poll(() => modelsOf(tenant), soon).toContainEqual(expect.objectContaining({ id: 'slow', upstreamModel: 'demo-reasoning' }))
    await tenant.succeed('DELETE', `/api/models/routes/${route.id}`)
    await expect.poll(async () => (await modelsOf(tenant)).map(({ id }) => id), soon).not.toContain('slow')
  })

  test('leads over no connection of another org, and a platform\'s over none of an org', async () => {
    const { id } = Connection.parse((await operator.succeed('POST', '/api/connections', { kind: 'openai', name: 'private' })).body)
    const targets = [{ connectionId: id, upstreamModel: 'gpt-4o' }]
    expect((await tenant.call('POST', '/api/models/routes', { alias: 'theft', targets })).status).toBe(404)
    expect((await operator.call('POST', '/api/models/routes', { alias: 'leak', platform: true, targets })).status).toBe(404)
    const own = await create(tenant, { alias: 'own', targets: [{ connectionId: demo, upstreamModel: 'demo' }] })
    expect((await tenant.call('PATCH', `/api/models/routes/${own.id}`, { targets })).status).toBe(404)
    expect(ModelRouteList.parse((await tenant.succeed('GET', '/api/models/routes')).body).routes.find(route => route.id === own.id)).toEqual(own)
  })

  test('of the platform is offered to all and changed by platform admins alone; an alias is one owner\'s once', async () => {
    const input = { alias: 'house', targets: [{ connectionId: demo, upstreamModel: 'demo' }] }
    expect((await tenant.call('POST', '/api/models/routes', { ...input, platform: true })).status).toBe(403)
    const route = await create(operator, { ...input, platform: true })
    await expect.poll(() => modelsOf(tenant), soon).toContainEqual(expect.objectContaining({ id: 'house', platform: true }))
    expect((await tenant.call('PATCH', `/api/models/routes/${route.id}`, { alias: 'x' })).status).toBe(403)
    expect((await tenant.call('DELETE', `/api/models/routes/${route.id}`)).status).toBe(403)
    expect((await operator.call('POST', '/api/models/routes', { ...input, platform: true })).status).toBe(409)
    expect((await tenant.call('POST', '/api/models/routes', input)).status).toBe(201)
  })

  test.each([{ targets: [] }, { targets: [{ connectionId: 'x', upstreamModel: 'y' }] }, { alias: '' }, { alias: 'a b' }, { orgId: 'x' }])('%j makes none', async (wrong) => {
    expect((await tenant.call('POST', '/api/models/routes', { alias: 'valid', targets: [{ connectionId: demo, upstreamModel: 'demo' }], ...wrong })).status).toBe(400)
  })
})

test('a price is set by platform admins alone, exactly, and counts at once', async () => {
  const price = { providerKind: 'demo', model: 'demo', inputNanoUsd: '123456789012345678', outputNanoUsd: '7', audioInputNanoUsd: '8', cachedAudioInputNanoUsd: '9', audioOutputNanoUsd: '10' }
  expect((await tenant.call('POST', '/api/models/prices', { ...price, ownOrgOnly: true })).status).toBe(403)
  const { id } = ModelPrice.parse((await operator.succeed('POST', '/api/models/prices', price)).body)
  const priceOfDemo = async () => (await modelsOf(tenant)).find(model => model.id === 'demo')?.price
  await expect.poll(priceOfDemo, soon).toMatchObject({ source: `override:${id}`, inputNanoUsd: '123456789012345678', outputNanoUsd: '7' })
  expect(ModelPriceList.parse((await tenant.succeed('GET', '/api/models/prices')).body).prices).toMatchObject([{ ...price, id, connection: null, platform: true }])
  await operator.succeed('DELETE', `/api/models/prices/${id}`)
  await expect.poll(priceOfDemo, soon).toMatchObject({ source: 'demo' })
  for (const wrong of [{ inputNanoUsd: '-1' }, { inputNanoUsd: '1.5' }, { inputNanoUsd: 1 }, { inputNanoUsd: '9'.repeat(19) }, { audioInputNanoUsd: '-1' }]) expect((await operator.call('POST', '/api/models/prices', { ...price, ...wrong })).status).toBe(400)
})

describe('a price of one connection', () => {
  const model = 'openai/gpt-oss-120b'
  const free = { providerKind: 'openai-compatible', model, inputNanoUsd: '0', outputNanoUsd: '0' }
  const connect = async (visitor: Visitor, name: string, rest: object = {}) =>
    Connection.parse((await visitor.succeed('POST', '/api/connections', { kind: 'openai-compatible', name, baseUrl: 'https://models.example.com/v1', config: { models: [model] }, ...rest })).body).id
  const set = async (input: object) => ModelPrice.parse((await operator.succeed('POST', '/api/models/prices', { ...free, ...input })).body)
  const priceOver = async (name: string, visitor: Visitor) => (await modelsOf(visitor)).find(({ connectionName, upstreamModel }) => connectionName === name && upstreamModel === model)?.price ?? null

  test('counts there alone; one of the kind makes nothing free at a host that the catalogue prices', async () => {
    const groq = await connect(operator, 'groq', { baseUrl: 'https://api.groq.com/openai/v1', platform: true })
    const cellar = await connect(operator, 'cellar', { platform: true })
    await connect(operator, 'attic', { platform: true })
    const listed = { inputNanoUsd: '150000000', outputNanoUsd: '600000000' }
    const forAll = await set({})
    await expect.poll(() => priceOver('cellar', tenant), soon).toMatchObject({ source: `override:${forAll.id}`, inputNanoUsd: '0' })
    expect(await priceOver('groq', tenant)).toMatchObject(listed)
    await operator.succeed('DELETE', `/api/models/prices/${forAll.id}`)
    const ofOne = await set({ connectionId: cellar })
    expect(ofOne).toMatchObject({ connection: { id: cellar, name: 'cellar' }, platform: true })
    await expect.poll(() => priceOver('attic', tenant), soon).toBeNull()
    expect(await priceOver('cellar', tenant)).toMatchObject({ source: `override:${ofOne.id}` })
    expect(await priceOver('groq', tenant)).toMatchObject(listed)
    const ofGroq = await set({ connectionId: groq, inputNanoUsd: '1', outputNanoUsd: '2' })
    await expect.poll(() => priceOver('groq', tenant), soon).toMatchObject({ source: `override:${ofGroq.id}`, inputNanoUsd: '1', outputNanoUsd: '2' })
    expect(ModelPriceList.parse((await tenant.succeed('GET', '/api/models/prices')).body).prices).toEqual([ofGroq, ofOne])
    await operator.succeed('DELETE', `/api/connections/${groq}`)
    const { items } = AuditPage.parse((await operator.succeed('GET', `/api/audit?target=model_price:${ofGroq.id}`)).body)
    expect(items).toMatchObject([{ action: 'model_price.delete', before: { model, inputNanoUsd: '1', connectionId: groq } }, { action: 'model_price.create' }])
    expect(ModelPriceList.parse((await tenant.succeed('GET', '/api/models/prices')).body).prices).toEqual([ofOne])
  })

  test('is set by platform admins alone, over no other org\'s connection, and over none of another kind', async () => {
    const shared = await connect(operator, 'shared', { platform: true })
    const [theirs, own] = [await connect(tenant, 'theirs'), await connect(operator, 'own')]
    for (const connectionId of [shared, theirs]) {
      for (const ownOrgOnly of [true, false]) expect((await tenant.call('POST', '/api/models/prices', { ...free, connectionId, ownOrgOnly })).status).toBe(403)
    }
    for (const connectionId of [theirs, '0190b0b0-0000-7000-8000-000000000000']) {
      for (const ownOrgOnly of [true, false]) expect((await operator.call('POST', '/api/models/prices', { ...free, connectionId, ownOrgOnly })).status).toBe(404)
    }
    expect((await operator.call('POST', '/api/models/prices', { ...free, providerKind: 'openai', connectionId: shared })).status).toBe(400)
    expect((await operator.call('POST', '/api/models/prices', { ...free, connectionId: 'shared' })).status).toBe(400)
    const pricesOf = async (visitor: Visitor) => ModelPriceList.parse((await visitor.succeed('GET', '/api/models/prices')).body).prices.flatMap(({ connection }) => connection ? [connection.name] : [])
    expect(await pricesOf(tenant)).not.toContain('shared')
    // Nobody else pays for calls over an org's own connection.
    expect(await set({ connectionId: own })).toMatchObject({ connection: { id: own, name: 'own' }, platform: false })
    expect(await pricesOf(operator)).toContain('own')
    expect(await pricesOf(tenant)).not.toContain('own')
  })
})
