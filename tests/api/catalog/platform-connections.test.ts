import { isNull } from 'drizzle-orm'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { Database } from '../../../db/client'
import { providerConnections } from '../../../db/schema'
import { openConnection } from '../../../server/catalog/open-connection'
import { ensurePlatformConnections } from '../../../server/catalog/platform-connections'
import { readConfig } from '../../../server/config'
import { openKeyring } from '../../../server/crypto/keyring'
import { openTestDatabase } from '../../support/database'

const keyring = openKeyring({ ENCRYPTION_MASTER_KEY: 'b'.repeat(64), LOOM_DATA_DIR: '.' })

let db: Database
beforeAll(async () => {
  db = await openTestDatabase()
})
afterAll(() => db.close())
beforeEach(() => db.orm.delete(providerConnections))

const ensure = (environment: Record<string, string>, ring = keyring) => ensurePlatformConnections(db, ring, readConfig(environment))
const rows = () => db.orm.select().from(providerConnections).where(isNull(providerConnections.orgId)).orderBy(providerConnections.name)

const everything = {
  OPENAI_API_KEY: 'sk-openai', ANTHROPIC_API_KEY: 'sk-ant', ANTHROPIC_BASE_URL: 'https://anthropic.example',
  GOOGLE_API_KEY: 'AIza',
  OLLAMA_BASE_URL: 'http://localhost:11434/',
  AZURE_OPENAI_API_KEY: 'az', AZURE_OPENAI_ENDPOINT: 'https://x.openai.azure.com', AZURE_OPENAI_API_VERSION: '2024-10-21', AZURE_OPENAI_DEPLOYMENTS: 'gpt-4o, prod=gpt-5'
}

test('the environment\'s providers and the demo model become connections that can be used', async () => {
  await ensure(everything)
  const opened = (await rows()).map(row => openConnection(row, keyring, Buffer.alloc(0)))
  expect(opened.map(({ name, kind, baseUrl, secret, config }) => ({ name, kind, baseUrl, secret, config }))).toEqual([
    { name: 'anthropic', kind: 'anthropic', baseUrl: 'https://anthropic.example', secret: 'sk-ant', config: {} },
    { name: 'azure', kind: 'azure', baseUrl: 'https://x.openai.azure.com', secret: 'az', config: { apiVersion: '2024-10-21', deployments: { 'gpt-4o': 'gpt-4o', 'prod': 'gpt-5' } } },
    { name: 'demo', kind: 'demo', baseUrl: null, secret: null, config: { chunkDelayMs: 8 } },
    { name: 'google', kind: 'google', baseUrl: null, secret: 'AIza', config: {} },
    { name: 'ollama', kind: 'openai-compatible', baseUrl: 'http://localhost:11434/v1', secret: null, config: {} },
    { name: 'openai', kind: 'openai', baseUrl: null, secret: 'sk-openai', config: {} }
  ])
})

test('nothing but the demo model exists without a key', async () => {
  await ensure({})
  expect((await rows()).map(row => row.name)).toEqual(['demo'])
})

test('a second start writes nothing, and a changed key only that key', async () => {
  await ensure(everything)
  const first = await rows()
  await ensure(everything)
  expect(await rows()).toEqual(first)
  await ensure({ ...everything, OPENAI_API_KEY: 'sk-renewed' })
  const changed = (await rows()).filter((row, index) => JSON.stringify(row) !== JSON.stringify(first[index]))
  expect(changed.map(row => openConnection(row, keyring, Buffer.alloc(0)).secret)).toEqual(['sk-renewed'])
})

test('an unset variable disables its connection, and setting it again brings it back', async () => {
  await ensure({ OPENAI_API_KEY: 'sk-1' })
  await ensure({})
  expect((await rows()).map(row => [row.name, row.status])).toEqual([['demo', 'active'], ['openai', 'disabled']])
  await ensure({ OPENAI_API_KEY: 'sk-1' })
  expect((await rows()).map(row => [row.name, row.status])).toEqual([['demo', 'active'], ['openai', 'active']])
})

test('several replicas starting at once make one connection each', async () => {
  await Promise.all(Array.from({ length: 5 }, () => ensure(everything)))
  expect(await rows()).toHaveLength(6)
})

test('an admin\'s own connection of the same name, models and a disabled demo are left alone', async () => {
  await db.orm.insert(providerConnections).values({ kind: 'openai', name: 'openai', baseUrl: 'https://mine.example/v1' })
  await ensure({ ...everything })
  await db.orm.update(providerConnections).set({ config: { models: ['llama3'] } }).where(isNull(providerConnections.secret))
  await db.query('update provider_connections set status = $1, config = $2::jsonb where name = $3', ['disabled', '{}', 'demo'])
  await ensure({})
  await ensure({ ...everything })
  const found = new Map((await rows()).map(row => [row.name, row]))
  expect(found.get('openai')).toMatchObject({ baseUrl: 'https://mine.example/v1', status: 'active', secret: null })
  expect(found.get('ollama')).toMatchObject({ config: { models: ['llama3'] }, status: 'active' })
  expect(found.get('demo')).toMatchObject({ status: 'disabled' })
})

test('a secret sealed under a lost master key is sealed anew', async () => {
  await ensure({ OPENAI_API_KEY: 'sk-1' })
  const renewed = openKeyring({ ENCRYPTION_MASTER_KEY: 'c'.repeat(64), LOOM_DATA_DIR: '.' })
  await ensure({ OPENAI_API_KEY: 'sk-1' }, renewed)
  const openai = (await rows()).find(row => row.name === 'openai')
  expect(openai && openConnection(openai, renewed, Buffer.alloc(0)).secret).toBe('sk-1')
})
