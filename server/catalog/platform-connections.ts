import { and, eq, isNull, sql } from 'drizzle-orm'
import { v5 as uuidv5 } from 'uuid'
import type { Database, Orm } from '../../db/client'
import { providerConnections } from '../../db/schema/catalog'
import type { ProviderKind } from '../../shared/catalog'
import type { Config } from '../config'
import { CURRENT_KEY_VERSION, open, seal } from '../crypto/envelope'
import type { Keyring } from '../crypto/keyring'
import { CATALOG_CHANNEL } from './catalog'
import type { ConnectionRow } from './load-snapshot'
import { secretContext } from './open-connection'

/** Fixed ids tell the rows made here from those an admin made, whatever either is named. */
const ID_NAMESPACE = '6f1d4a0e-3b1c-5d8e-9a57-2c4b7e90d1f3'
const managedNames = ['openai', 'azure', 'anthropic', 'google', 'ollama', 'demo'] as const

interface Wanted {
  name: typeof managedNames[number]
  kind: ProviderKind
  baseUrl: string | null
  secret: string | null
  /** Left out: whatever an admin has set stays. */
  config?: Record<string, unknown>
}

/**
 * Makes the platform's connections what the environment says: one for each provider whose variables are set, those of
 * earlier starts disabled, and the demo model. Safe when several replicas start at once, and writes nothing when
 * nothing has changed. A connection an admin made under one of these names is left as it is.
 */
export async function ensurePlatformConnections(db: Database, keyring: Keyring, config: Config): Promise<void> {
  const changed = await db.orm.transaction(async (orm) => {
    await orm.execute(sql`select pg_advisory_xact_lock(hashtext('loom:platform-connections'))`)
    const rows = await orm.select().from(providerConnections).where(isNull(providerConnections.orgId))
    const wanted = new Map(wantedConnections(config).map(connection => [connection.name, connection]))
    let changes = 0
    for (const name of managedNames) changes += await settle(orm, keyring, rows, name, wanted.get(name))
    return changes > 0
  })
  if (changed) await db.notify(CATALOG_CHANNEL, 'platform')
}

/** How many rows it wrote. */
async function settle(orm: Orm, keyring: Keyring, rows: ConnectionRow[], name: Wanted['name'], wanted: Wanted | undefined): Promise<number> {
  const id = uuidv5(name, ID_NAMESPACE)
  const row = rows.find(candidate => candidate.id === id)
  if (!wanted) return row?.status === 'active' ? update(orm, id, { status: 'disabled' }) : 0
  if (!row) return rows.some(candidate => candidate.name === name) ? 0 : insert(orm, keyring, id, wanted)
  if (name === 'demo') return 0
  const changes = {
    ...(row.status !== 'active' && { status: 'active' as const }),
    ...(row.baseUrl !== wanted.baseUrl && { baseUrl: wanted.baseUrl }),
    ...(wanted.config && !sameJson(row.config, wanted.config) && { config: wanted.config }),
    ...(readSecret(row, keyring) !== wanted.secret && sealSecret(id, wanted.secret, keyring))
  }
  return Object.keys(changes).length > 0 ? update(orm, id, changes) : 0
}

async function insert(orm: Orm, keyring: Keyring, id: string, { name, kind, baseUrl, secret, config = {} }: Wanted): Promise<number> {
  const row = { id, orgId: null, name, kind, baseUrl, config, ...sealSecret(id, secret, keyring) }
  const inserted = await orm.insert(providerConnections).values(row).onConflictDoNothing().returning({ id: providerConnections.id })
  return inserted.length
}

async function update(orm: Orm, id: string, changes: Partial<ConnectionRow>): Promise<number> {
  await orm.update(providerConnections).set(changes).where(and(eq(providerConnections.id, id), isNull(providerConnections.orgId)))
  return 1
}

function sealSecret(id: string, secret: string | null, keyring: Keyring) {
  if (secret === null) return { secret: null, secretIv: null, encryptionKeyVersion: null }
  const { data, iv } = seal(keyring.forPlatform(), secretContext(null, id), Buffer.from(secret))
  return { secret: data, secretIv: iv, encryptionKeyVersion: CURRENT_KEY_VERSION }
}

/** Undefined when it opens with no key of ours: the master key has changed, and the secret is sealed anew. */
function readSecret({ id, secret, secretIv }: ConnectionRow, keyring: Keyring): string | null | undefined {
  if (!secret || !secretIv) return null
  try {
    return open(keyring.forPlatform(), secretContext(null, id), { data: secret, iv: secretIv }).toString('utf8')
  } catch (error) {
    if (error instanceof Error) return undefined
    throw error
  }
}

function sameJson(a: unknown, b: unknown): boolean {
  return canonical(a) === canonical(b)
}

/** jsonb does not keep the order of keys. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) => typeof inner === 'object' && inner !== null && !Array.isArray(inner)
    ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => a < b ? -1 : 1))
    : inner)
}

function wantedConnections(config: Config): Wanted[] {
  const wanted: Wanted[] = [{ name: 'demo', kind: 'demo', baseUrl: null, secret: null }]
  if (config.OPENAI_API_KEY) wanted.push({ name: 'openai', kind: 'openai', baseUrl: config.OPENAI_BASE_URL ?? null, secret: config.OPENAI_API_KEY })
  if (config.ANTHROPIC_API_KEY) wanted.push({ name: 'anthropic', kind: 'anthropic', baseUrl: config.ANTHROPIC_BASE_URL ?? null, secret: config.ANTHROPIC_API_KEY })
  const geminiKey = config.GEMINI_API_KEY ?? config.GOOGLE_API_KEY
  if (geminiKey) wanted.push({ name: 'google', kind: 'google', baseUrl: config.GEMINI_BASE_URL ?? null, secret: geminiKey })
  if (config.OLLAMA_BASE_URL) wanted.push({ name: 'ollama', kind: 'openai-compatible', baseUrl: withVersionPath(config.OLLAMA_BASE_URL), secret: null })
  if (config.AZURE_OPENAI_API_KEY && config.AZURE_OPENAI_ENDPOINT) {
    wanted.push({ name: 'azure', kind: 'azure', baseUrl: config.AZURE_OPENAI_ENDPOINT, secret: config.AZURE_OPENAI_API_KEY, config: azureConfig(config) })
  }
  return wanted
}

/** A deployment is written `name=model`, or `name` alone where it is named after its model. */
function azureConfig({ AZURE_OPENAI_API_VERSION: apiVersion, AZURE_OPENAI_DEPLOYMENTS: deployments }: Config): Record<string, unknown> {
  const pairs = deployments.map((deployment) => {
    const [name = '', model = name] = deployment.split('=').map(part => part.trim())
    return [name, model || name]
  })
  return { ...(apiVersion && { apiVersion }), deployments: Object.fromEntries(pairs) }
}

/** Ollama is usually named by its root; the OpenAI format lives under `/v1`. */
function withVersionPath(baseUrl: string): string {
  const trimmed = baseUrl.replace(/\/+$/, '')
  return trimmed.endsWith('/v1') ? trimmed : `${trimmed}/v1`
}
