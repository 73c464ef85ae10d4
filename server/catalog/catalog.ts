import { LRUCache } from 'lru-cache'
import type { Database } from '../../db/client'
import { withinDeadline } from '../../db/within-deadline'
import type { Model } from '../../shared/catalog'
import type { Keyring } from '../crypto/keyring'
import { databaseUnavailable } from '../errors'
import type { Connection } from '../gateway/providers/provider'
import { providers } from '../gateway/providers/registry'
import type { NamedTarget } from '../policy/deny-targets'
import { servedModel } from './connection-models'
import { describeTarget } from './describe-target'
import { findTargets } from './find-targets'
import { findSnapshotModel, listSnapshotModels } from './list-models'
import type { ListedModel } from './list-models'
import { loadSnapshot } from './load-snapshot'
import type { ConnectionRow, Snapshot } from './load-snapshot'
import { openConnection } from './open-connection'
import type { Target } from './target'

/** Whoever changes connections, routes or prices notifies here with the org's id, or `platform`. */
export const CATALOG_CHANNEL = 'loom_catalog'

const MAX_ORGS = 10_000
const MAX_NAMES_PER_ORG = 1_000
/** How long a call may wait for what it can call. */
const LOAD_DEADLINE_MS = 10_000
/** The backstop, should a notification be lost. */
const TTL_MS = 60_000

export interface Catalog {
  /**
   * Where a call for `model` may go, by ascending priority; empty when nothing the org may use has that name.
   * In memory but for the first call of a minute.
   * @throws {LoomError} `no_healthy_target` when none of the model's connections can be read, `service_unavailable` when the database does not answer
   */
  resolveTargets: (orgId: string, model: string) => Promise<Target[]>
  /** All models the org may name, each once. */
  listModels: (orgId: string) => Promise<readonly Model[]>
  /** The same by their ids, with what rules judge each by. */
  listNamed: (orgId: string) => Promise<ReadonlyMap<string, ListedModel>>
  /** One model by any name a call may use for it, by the first of its targets that `accepts` takes; undefined when there is none. */
  findModel: (orgId: string, id: string, accepts?: (target: NamedTarget) => boolean) => Promise<Model | undefined>
  /** Forgets one org's entries, or with `platform` everybody's. */
  invalidate: (owner: string) => void
  close: () => void
}

interface OrgEntry {
  snapshot: Snapshot
  connections: Map<string, Connection>
  targets: LRUCache<string, Target[]>
  named?: Promise<Map<string, ListedModel>>
  models?: Promise<Model[]>
}

interface CatalogOptions {
  db: Database
  keyring: Keyring
  log: { warn: (details: object, message: string) => void }
}

/** Opens the process's view of connections, routes and prices, kept current by notifications. */
export async function openCatalog({ db, keyring, log }: CatalogOptions): Promise<Catalog> {
  const entries = new LRUCache<string, Promise<OrgEntry>>({ max: MAX_ORGS, ttl: TTL_MS })
  const invalidate = (owner: string) => {
    if (owner === 'platform') entries.clear()
    else entries.delete(owner)
  }
  const entryOf = (orgId: string): Promise<OrgEntry> => {
    const known = entries.get(orgId)
    if (known) return known
    const loading = loadEntry(db, orgId)
    entries.set(orgId, loading)
    // A failed load is not remembered; whoever awaits `loading` learns of it.
    loading.catch(() => entries.peek(orgId) === loading && entries.delete(orgId))
    return loading
  }
  await db.listen(CATALOG_CHANNEL, invalidate, () => entries.clear())
  return {
    async resolveTargets(orgId, model) {
      const entry = await entryOf(orgId)
      const known = entry.targets.get(model)
      if (known) return known
      const targets = buildTargets(entry, model, row => openOnce(entry, row, keyring), log)
      if (targets.length > 0) entry.targets.set(model, targets)
      return targets
    },
    async listModels(orgId) {
      const entry = await entryOf(orgId)
      entry.models ??= namedIn(entry).then(named => [...named.values()].map(({ model }) => model))
      return entry.models
    },
    async listNamed(orgId) {
      return namedIn(await entryOf(orgId))
    },
    async findModel(orgId, id, accepts) {
      return findSnapshotModel((await entryOf(orgId)).snapshot, id, accepts)
    },
    invalidate,
    close: () => entries.clear()
  }
}

async function loadEntry(db: Database, orgId: string): Promise<OrgEntry> {
  const snapshot = await withinDeadline(LOAD_DEADLINE_MS, loadSnapshot(db.orm, orgId)).catch((cause: unknown) => {
    throw databaseUnavailable(cause)
  })
  return { snapshot, connections: new Map(), targets: new LRUCache({ max: MAX_NAMES_PER_ORG }) }
}

function namedIn(entry: OrgEntry): Promise<Map<string, ListedModel>> {
  entry.named ??= listSnapshotModels(entry.snapshot)
  return entry.named
}

function openOnce(entry: OrgEntry, row: ConnectionRow, keyring: Keyring): Connection {
  const known = entry.connections.get(row.id)
  if (known) return known
  const connection = openConnection(row, keyring, entry.snapshot.orgSalt)
  entry.connections.set(row.id, connection)
  return connection
}

/** One unreadable connection does not take a route's other targets with it. */
function buildTargets({ snapshot }: OrgEntry, model: string, connect: (row: ConnectionRow) => Connection, log: CatalogOptions['log']): Target[] {
  const failures: unknown[] = []
  const targets = findTargets(snapshot, model).flatMap(({ connection: row, upstreamModel, ...routing }) => {
    try {
      const described = describeTarget(snapshot, row, upstreamModel)
      return [{ requestedModel: model, connection: connect(row), provider: providers[row.kind], upstreamModel, servedModel: servedModel(row, upstreamModel), ...described, ...routing }]
    } catch (error) {
      failures.push(error)
      log.warn({ connectionId: row.id, err: error }, 'A connection cannot be read: saved under another master key, or by a newer version')
      return []
    }
  })
  if (targets.length === 0 && failures.length > 0) throw failures[0]
  return targets
}
