import { afterAll, beforeAll, describe, expect, test } from 'vitest'
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
  expect(ModelPriceList.parse((await tenant.succeed('GET', '/api/models/prices')).body).prices).toMatchObject([{ ...price, id, platform: true }])
  await operator.succeed('DELETE', `/api/models/prices/${id}`)
  await expect.poll(priceOfDemo, soon).toMatchObject({ source: 'demo' })
  for (const wrong of [{ inputNanoUsd: '-1' }, { inputNanoUsd: '1.5' }, { inputNanoUsd: 1 }, { inputNanoUsd: '9'.repeat(19) }, { audioInputNanoUsd: '-1' }]) expect((await operator.call('POST', '/api/models/prices', { ...price, ...wrong })).status).toBe(400)
})
