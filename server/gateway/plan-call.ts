import { applyMarkup } from '../billing/apply-markup'
import type { Target } from '../catalog/target'
import { allowsModel } from '../policy/compile-policy'
import { withoutDenied } from '../policy/deny-targets'
import type { CallContext } from './call-context'
import { boundCost } from './estimate-cost'
import type { BoundTarget } from './fit-to-funds'
import type { Gateway } from './gateway'
import { routeCall } from './route-targets'

/** What a call would take, before anything is asked of anyone. */
export interface CallPlan {
  /** The models of the request that it may go to. */
  models: readonly string[]
  /** In the order they are tried. */
  targets: Target[]
  /** The most tokens it may use, a target each. */
  bounds: BoundTarget[]
  /** The most it may cost its org, nano-USD: what is held for it. */
  amount: bigint
}

/**
 * Of the models a request names, those that no rule refuses; where that is none, all of them, for the rules to tell why.
 * @throws {LoomError} `model_not_found`, `model_without_price`, `model_not_allowed`
 */
export async function planCall(gateway: Pick<Gateway, 'catalog' | 'latencies'>, { caller, request, billing }: Pick<CallContext, 'caller' | 'request' | 'billing'>): Promise<CallPlan> {
  if (caller.policy.maxOutputTokens < Infinity) request.limitOutput?.(caller.policy.maxOutputTokens)
  const models = modelsOf(caller, request)
  const targets = withoutDenied(caller.policy, models[0] ?? request.model, await routeCall(gateway, caller, request, models))
  const bounds = targets.map(target => ({ target, tokens: request.bound(target) }))
  const most = bounds.map(({ target, tokens }) => target.price ? boundCost(tokens, target.price) : 0n).reduce((a, b) => a > b ? a : b)
  return { models, targets, bounds, amount: billing.amount ?? applyMarkup(most, caller.markupBasisPoints) }
}

function modelsOf({ policy }: CallContext['caller'], { model, alternatives }: CallContext['request']): readonly string[] {
  if (!alternatives) return [model]
  const named = [model, ...alternatives]
  const allowed = named.filter(name => allowsModel(policy, name))
  return allowed.length > 0 ? allowed : named
}
