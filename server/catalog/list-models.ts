import { setImmediate as turn } from 'node:timers/promises'
import type { Model } from '../../shared/catalog'
import type { UnitRates } from '../billing/units'
import { declaredModels, servedModel } from './connection-models'
import { describeTarget } from './describe-target'
import { findTargets } from './find-targets'
import { abilitiesOf } from './model-abilities'
import { modelMode } from './model-mode'
import type { ConnectionRow, RouteRow, Snapshot, TargetRow } from './load-snapshot'
import type { Price } from '../billing/price'
import type { NamedTarget } from '../policy/deny-targets'

/** What a name leads to, listed or not (`<connection>/<model>`, a dated version): its first target that `accepts` takes. Undefined when it leads nowhere. */
export function findSnapshotModel(snapshot: Snapshot, id: string, accepts: (target: NamedTarget) => boolean = () => true): Model | undefined {
  const targets = findTargets(snapshot, id).filter(target => accepts(toNamed(target)))
  const [first] = targets
  if (!first) return undefined
  const route = snapshot.routes.get(id)
  const { orgId, createdAt } = first.connection
  return toModel(snapshot, id, route ? 'route' : 'connection', route ?? { platform: orgId === null, description: '', createdAt }, first, modeOf(targets))
}

const MAX_LISTED = 5_000
/** How long the list may keep everybody else from being served. */
const SLICE_MS = 5

type UpstreamModel = Pick<TargetRow, 'connection' | 'upstreamModel'>

/** A name that is listed, and what it leads to, or tries first, as rules know it. */
export interface ListedModel { model: Model, target: NamedTarget }

/** Everything an org may name in `model`, each target once, under its shortest name; routes first. Of very many, the first: the others are called by their names all the same. */
export async function listSnapshotModels(snapshot: Snapshot): Promise<Map<string, ListedModel>> {
  let startedAt = performance.now()
  const models = new Map<string, ListedModel>()
  for (const route of snapshot.routes.values()) {
    const [first] = route.targets
    if (first) models.set(route.alias, { model: toModel(snapshot, route.alias, 'route', route, first, modeOf(route.targets)), target: toNamed(first) })
  }
  for (const connection of snapshot.connections) {
    const offered = { platform: connection.orgId === null, description: '', createdAt: connection.createdAt }
    for (const upstreamModel of declaredModels(connection)) {
      if (models.size >= MAX_LISTED) return models
      if (performance.now() - startedAt > SLICE_MS) {
        await nextTurn()
        startedAt = performance.now()
      }
      const target = { connection, upstreamModel }
      const id = leadsTo(snapshot, connection, upstreamModel) ? upstreamModel : `${connection.name}/${upstreamModel}`
      if (!models.has(id)) models.set(id, { model: toModel(snapshot, id, 'connection', offered, target, modeOf([target])), target: toNamed(target) })
    }
  }
  return models
}

let lastTurn = Promise.resolve()

/** However many lists are being made, between two turns of the event loop one of them goes on. */
function nextTurn(): Promise<void> {
  lastTurn = lastTurn.then(() => turn())
  return lastTurn
}

/** Whether a model is what its bare name stands for: no route, no other connection that knows it. */
function leadsTo(snapshot: Snapshot, connection: ConnectionRow, upstreamModel: string): boolean {
  const [first] = findTargets(snapshot, upstreamModel)
  return !snapshot.routes.has(upstreamModel) && first?.connection === connection && first.upstreamModel === upstreamModel
}

/** How a name is called. Chats pass over a target that speaks the Responses API alone, where there is another. */
function modeOf(targets: readonly UpstreamModel[]): Model['mode'] {
  const modes = targets.map(({ connection, upstreamModel }) => modelMode(servedModel(connection, upstreamModel), connection.kind))
  return modes.find(mode => mode !== 'responses') ?? 'responses'
}

function toNamed({ connection, upstreamModel }: UpstreamModel): NamedTarget {
  return { connection, upstreamModel, servedModel: servedModel(connection, upstreamModel) }
}

function toModel(
  snapshot: Snapshot,
  id: string,
  source: Model['source'],
  origin: Pick<RouteRow, 'platform' | 'description' | 'createdAt'>,
  { connection, upstreamModel }: UpstreamModel,
  mode: Model['mode']
): Model {
  const { price, contextWindow, maxOutputTokens } = describeTarget(snapshot, connection, upstreamModel)
  const { vision, tools, reasoning } = abilitiesOf(connection.kind, servedModel(connection, upstreamModel))
  return {
    id,
    source,
    provider: connection.kind,
    connectionName: connection.name,
    upstreamModel,
    mode,
    platform: origin.platform,
    description: origin.description,
    contextWindow: contextWindow ?? null,
    maxOutputTokens: maxOutputTokens ?? null,
    vision: vision ?? null,
    tools: tools ?? null,
    reasoning: reasoning ?? null,
    price: price ? toModelPrice(price) : null,
    createdAt: origin.createdAt.toISOString()
  }
}

function toModelPrice(price: Price): Model['price'] {
  return {
    source: price.source,
    inputNanoUsd: price.inputPrice.toString(),
    outputNanoUsd: price.outputPrice.toString(),
    cachedInputNanoUsd: price.cachedInputPrice?.toString() ?? null,
    cacheWriteNanoUsd: price.cacheWritePrice?.toString() ?? null,
    units: price.units ? toUnitPrices(price.units) : null
  }
}

function toUnitPrices({ audioMs: hour, characters, searches, pictures }: UnitRates): NonNullable<Model['price']>['units'] {
  return {
    ...(hour !== undefined && { audioHourNanoUsd: hour.toString() }),
    ...(characters !== undefined && { millionCharactersNanoUsd: characters.toString() }),
    ...(searches !== undefined && { thousandSearchesNanoUsd: searches.toString() }),
    ...(pictures && { pictureNanoUsd: Object.fromEntries(Object.entries(pictures).map(([kind, price]) => [kind, price.toString()])) })
  }
}
