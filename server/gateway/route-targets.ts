import { computeCost, isPricedFor } from '../billing/compute-cost'
import type { Catalog } from '../catalog/catalog'
import type { Target } from '../catalog/target'
import { LoomError } from '../errors'
import { likelyInput } from './estimate-cost'
import type { LatencyBoard } from './latency-board'
import type { CallRequest } from './operations/operation'

/** Whose call it is, and where it `pays`: what it costs there is taken from a wallet or a budget by the price of its model. */
interface RoutedCaller { orgId: string, pays: (target: Target) => boolean }

/** What of a call its route depends on. */
type RoutedCall = Pick<CallRequest, 'stream' | 'bound' | 'unit' | 'defaultModel'>

interface Routing { catalog: Pick<Catalog, 'resolveTargets'>, latencies: LatencyBoard }

/** What an answer is taken to be long, for comparing prices. */
const USUAL_OUTPUT_TOKENS = 500

/**
 * Step 4 of the road: all targets a call may try, in order. Those of the first model come first; a later one that leads nowhere is
 * passed over, as long as any leads somewhere.
 * @param models what it names, in the order they are wanted
 * @throws {LoomError} `model_not_found`, `model_without_price` of the first model, when none leads anywhere
 */
export async function routeCall({ catalog, latencies }: Routing, { orgId, pays }: RoutedCaller, call: RoutedCall, models: readonly string[]): Promise<Target[]> {
  const route = async (model: string) => {
    const targets = await catalog.resolveTargets(orgId, model)
    if (targets.length === 0 && model === call.defaultModel) throw defaultMissing(model)
    return orderTargets(pays, model, pricedFor(call, targets), target => rankOf(target, call, latencies))
  }
  const [only] = models
  if (only !== undefined && models.length === 1) return route(only)
  const routed = await Promise.allSettled(models.map(route))
  const targets = routed.flatMap(result => result.status === 'fulfilled' ? result.value : [])
  if (targets.length === 0 && routed[0]?.status === 'rejected') throw routed[0].reason
  return targets
}

/** The caller may never have named it, so it is told where the name comes from. */
function defaultMissing(model: string): LoomError {
  return new LoomError('model_not_found', `The call names no model, and no active connection serves the default, "${model}". Name one in "model" (GET /v1/models lists what you may use), or ask an admin for a model route called "${model}".`, { param: 'model' })
}

/** A price by other units than the call is measured in is none. */
function pricedFor({ unit }: Pick<RoutedCall, 'unit'>, targets: readonly Target[]): readonly Target[] {
  if (!targets.some(({ price }) => price?.byUnitsAlone)) return targets
  return targets.map(target => isPricedFor(target.price, unit) ? target : { ...target, price: undefined })
}

/**
 * The targets of a model in the order they are tried: by priority, then by rank, lower ones first. Targets without a whole price are left
 * out where a call `pays` by it: an unknown price is not zero.
 * @throws {LoomError} `model_not_found`, `model_without_price`
 */
export function orderTargets(pays: RoutedCaller['pays'], model: string, targets: readonly Target[], rank: (target: Target) => number): Target[] {
  if (targets.length === 0) throw new LoomError('model_not_found', `The model "${model}" does not exist here, or no active connection serves it. GET /v1/models lists what you may use.`, { param: 'model' })
  const usable = targets.filter(target => (target.price && !target.price.isPartial) || !pays(target))
  if (usable.length === 0) throw new LoomError('model_without_price', `The model "${model}" has no price, so it can be neither charged to a prepaid wallet nor counted in a budget. Ask an admin to set one.`, { param: 'model' })
  if (usable.length === 1) return [...usable]
  return usable
    .map(target => ({ target, rank: rank(target) }))
    .sort((a, b) => a.target.priority - b.target.priority || a.rank - b.rank)
    .map(({ target }) => target)
}

/** A target's place among those of its priority, as its route's strategy has it; lower comes first, equals as they are listed. */
export function rankOf(target: Target, call: Pick<RoutedCall, 'stream' | 'bound'>, latencies: LatencyBoard, random: () => number = Math.random): number {
  switch (target.strategy) {
    case 'ordered': return 0
    // Efraimidis & Spirakis (2006): ordering by random^(1/weight) draws without replacement in proportion to the weights.
    case 'weighted': return -(random() ** (1 / target.weight))
    case 'least-latency': return latencies.rank(target, call.stream)
    case 'least-cost': return usualCost(target, call)
  }
}

/** What a call of this size usually costs, nano-USD, to compare targets by: their bounds would compare their caps. */
function usualCost(target: Target, call: Pick<RoutedCall, 'bound'>): number {
  if (!target.price) return Number.MAX_VALUE
  const bound = call.bound(target)
  return Number(computeCost({ inputTokens: likelyInput(bound), outputTokens: Math.min(bound.outputTokens, USUAL_OUTPUT_TOKENS), units: bound.units }, target.price))
}
