import { timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { LRUCache } from 'lru-cache'
import { z } from 'zod'
import type { Database } from '../../db/client'
import { walletModes } from '../../shared/billing'
import { KeyScope } from '../../shared/keys'
import { databaseUnavailable, LoomError } from '../errors'
import type { GuessLimit } from '../keys/guess-limit'
import { hashKey, isWellFormedKey } from '../keys/key-format'
import { compilePolicy } from '../policy/compile-policy'
import { keyLevel, PLATFORM_POLICY, policyLevels } from '../policy/policy-levels'
import { levelAdvice, PolicyRefusal } from '../policy/policy-refusal'
import type { Caller } from './caller'
import { RoadSettings } from './caller'

const HIT_TTL_MS = 60_000
/** Long enough to blunt a flood of one wrong key, short enough that a key just created works. */
const MISS_TTL_MS = 2_000
const MAX_CACHED_KEYS = 20_000

const KeyRow = z.object({
  id: z.string(),
  is_previous: z.boolean(),
  org_id: z.string(),
  project_id: z.string().nullable(),
  created_by: z.string().nullable(),
  is_service: z.boolean(),
  scopes: z.array(KeyScope),
  allowed_models: z.array(z.string()).nullable(),
  limits: z.unknown(),
  org_policy: z.unknown(),
  project_policy: z.unknown(),
  platform_policy: z.unknown(),
  expires_ms: z.coerce.number().nullable(),
  encryption_salt: z.instanceof(Uint8Array),
  settings: RoadSettings,
  encryption_key_version: z.number(),
  mode: z.enum(walletModes),
  markup_basis_points: z.number(),
  cache_hit_basis_points: z.number(),
  cache_ttl_seconds: z.number().nullable()
})

interface Entry {
  caller: Caller | null
  hash: Buffer
  expiresAtMs: number
  /** Known by the secret before its last rotation. */
  isPrevious: boolean
}

/**
 * Turns a presented key into its caller. Hits are answered from memory (60 s); revocation and change arrive by
 * `NOTIFY loom_keys` (payload: the key's hash) and `NOTIFY loom_orgs` (payload: the org's id, or nothing for all) within a second; after a lost
 * connection, over which they may have been missed, everything is looked up anew.
 */
export class Authenticator {
  private readonly entries = new LRUCache<string, Entry>({ max: MAX_CACHED_KEYS, ttl: HIT_TTL_MS })
  private readonly loading = new Map<string, Promise<Entry>>()
  private readonly usedKeyIds = new Set<string>()
  private readonly usedPreviousIds = new Set<string>()
  /** Counts invalidations, so that a row read before one is not cached after it. */
  private generation = 0

  constructor(private readonly db: Database, private readonly guesses: GuessLimit) {}

  async listen(): Promise<void> {
    const forgetAll = () => this.forget(() => true)
    await this.db.listen('loom_keys', hash => this.forget(entryHash => !hash || entryHash === hash), forgetAll)
    await this.db.listen('loom_orgs', orgId => this.forget((_, entry) => !orgId || entry.caller?.orgId === orgId), forgetAll)
  }

  /**
   * @param readIp the caller's address, asked for only when the key is not known to be good
   * @throws {LoomError} `invalid_api_key`, saying whether the key is missing, mistyped, unknown, or expired; `rate_limit_exceeded`
   * when too many wrong ones came from there; `service_unavailable` when the database does not answer
   */
  async authenticate(headers: IncomingHttpHeaders, readIp: () => string | null): Promise<Caller> {
    const key = presentedKey(headers)
    if (!key) throw new LoomError('invalid_api_key', 'No API key was sent. Send it as "Authorization: Bearer loom_sk_…".')
    if (!isWellFormedKey(key)) {
      this.guesses.failed(readIp(), undefined)
      throw new LoomError('invalid_api_key', 'This is not a Loom API key, or it was mistyped: its checksum does not match. Copy it again.')
    }
    const hash = hashKey(key)
    const entry = this.entries.get(hash) ?? await this.lookUp(hash, readIp())
    const hasEnded = entry.expiresAtMs <= Date.now()
    // The lookup is by hash, so timing tells nothing about the key; the comparison keeps that true whatever the cache does.
    if (!entry.caller || !timingSafeEqual(entry.hash, Buffer.from(hash, 'hex')) || (hasEnded && entry.isPrevious)) {
      this.guesses.failed(readIp(), hash)
      throw new LoomError('invalid_api_key', 'This API key is unknown or revoked, or its organisation is inactive. Create a new one under Keys.')
    }
    if (hasEnded) throw expired(entry.expiresAtMs)
    if (entry.caller.apiKeyId) (entry.isPrevious ? this.usedPreviousIds : this.usedKeyIds).add(entry.caller.apiKeyId)
    return entry.caller
  }

  /** Writes `last_used_at` of the keys used since the last time; called now and then, never by a call. */
  async recordUse(): Promise<void> {
    if (this.usedKeyIds.size + this.usedPreviousIds.size === 0) return
    const [ids, previousIds] = [[...this.usedKeyIds], [...this.usedPreviousIds]]
    this.usedKeyIds.clear()
    this.usedPreviousIds.clear()
    await this.db.query(
      `update api_keys set last_used_at = now(), previous_last_used_at = case when id = any($2::uuid[]) then now() else previous_last_used_at end
        where id = any($1::uuid[]) or id = any($2::uuid[])`,
      [ids, previousIds]
    )
  }

  private forget(matches: (hash: string, entry: Entry) => boolean): void {
    this.generation++
    for (const [hash, entry] of this.entries.entries()) if (matches(hash, entry)) this.entries.delete(hash)
  }

  private lookUp(hash: string, ip: string | null): Promise<Entry> {
    this.guesses.admit(ip, hash)
    return this.load(hash)
  }

  private load(hash: string): Promise<Entry> {
    const running = this.loading.get(hash)
    if (running) return running
    const generation = this.generation
    const load = this.read(hash)
      .then((entry) => {
        if (entry.caller) this.guesses.proved(hash)
        if (generation === this.generation) this.entries.set(hash, entry, { ttl: entry.caller ? HIT_TTL_MS : MISS_TTL_MS })
        return entry
      }, (cause: unknown) => {
        throw databaseUnavailable(cause)
      })
      .finally(() => this.loading.delete(hash))
    this.loading.set(hash, load)
    return load
  }

  private async read(hash: string): Promise<Entry> {
    const [found] = await this.db.query(
      `select k.id, k.key_hash <> $1 as is_previous, k.org_id, k.project_id, k.created_by, k.is_service, k.scopes, k.allowed_models, k.limits,
              extract(epoch from case when k.key_hash = $1 then k.expires_at else least(k.previous_expires_at, k.expires_at) end) * 1000 as expires_ms, o.encryption_salt, o.encryption_key_version, o.settings, w.mode, w.markup_basis_points, w.cache_hit_basis_points, k.cache_ttl_seconds,
              o.policy as org_policy, p.policy as project_policy, ${PLATFORM_POLICY} as platform_policy
         from api_keys k join orgs o on o.id = k.org_id join wallets w on w.org_id = o.id
         left join projects p on p.id = k.project_id and p.org_id = k.org_id
        where (k.key_hash = $1 or k.previous_key_hash = $1 and k.previous_expires_at > now()) and k.status = 'active' and o.status = 'active' and o.deleted_at is null
          and (k.is_service or not exists (select from users u where u.id = k.created_by and u.deactivated_at is not null)) and p.deleted_at is null`,
      [hash]
    )
    if (!found) return { caller: null, hash: Buffer.from(hash, 'hex'), expiresAtMs: Infinity, isPrevious: false }
    const row = KeyRow.parse(found)
    return {
      hash: Buffer.from(hash, 'hex'),
      isPrevious: row.is_previous,
      expiresAtMs: row.expires_ms ?? Infinity,
      caller: {
        orgId: row.org_id,
        projectId: row.project_id,
        apiKeyId: row.id,
        keyExpiresAtMs: row.expires_ms,
        userId: row.is_service ? null : row.created_by,
        scopes: new Set(row.scopes),
        policy: compilePolicy([
          keyLevel({ id: row.id, allowedModels: row.allowed_models, limits: row.limits }),
          ...policyLevels({ orgId: row.org_id, projectId: row.project_id, orgPolicy: row.org_policy, projectPolicy: row.project_policy, platformPolicy: row.platform_policy })
        ], row.settings),
        walletMode: row.mode,
        markupBasisPoints: row.markup_basis_points,
        cacheHitBasisPoints: row.cache_hit_basis_points,
        cacheTtlSeconds: row.cache_ttl_seconds,
        encryptionSalt: Buffer.from(row.encryption_salt),
        encryptionKeyVersion: row.encryption_key_version,
        traceBodies: row.settings.traceBodies
      }
    }
  }
}

/** The 401 of a key that is known, and over. */
function expired(atMs: number): PolicyRefusal {
  const expiresAt = new Date(atMs).toISOString()
  return new PolicyRefusal('invalid_api_key', `This API key expired at ${expiresAt}. Set another expiry ${levelAdvice.key}, or create a new one.`, { rule: 'expires_at', scope: 'key', limit: expiresAt })
}

/** The key as the OpenAI, Anthropic and Azure SDKs send it. */
function presentedKey(headers: IncomingHttpHeaders): string | undefined {
  const { authorization } = headers
  if (authorization && /^bearer /i.test(authorization)) return authorization.slice(7).trim()
  const other = headers['x-api-key'] ?? headers['api-key']
  return typeof other === 'string' ? other.trim() : undefined
}
