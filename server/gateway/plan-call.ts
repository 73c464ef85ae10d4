import { MAX_BALANCE } from '../billing/max-balance'
import type { Target } from '../catalog/target'
import { LoomError } from '../errors'
import { allowsModel } from '../policy/compile-policy'
import { withoutDenied } from '../policy/deny-targets'
import { larger } from '../utils/larger'
import { requireScope } from './apply-policy'
import type { CallContext } from './call-context'
import { chargeFor, paysCost } from './charge'
import { lookCloser } from './closer-look'
import { boundCost } from './estimate-cost'
import type { BoundTarget, Offer } from './fit-to-funds'
import { fitToFunds } from './fit-to-funds'
import type { Gateway } from './gateway'
import type { CallRequest } from './operations/operation'
import { routeCall } from './route-targets'

/** The ledger's numbers end not far above what a wallet can have: a call that may cost more is refused for want of funds, whatever the exact amount. */
const BEYOND_ANY_WALLET = MAX_BALANCE + 1n

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
  /** What it can be held for where wallet or budget have less, nano-USD, by our own count alone where no provider `mayCount`; undefined for a call with a price of its own that owes no other, which is held for that or not at all. */
  lower: ((available: bigint, mayCount?: boolean) => Promise<Offer | undefined>) | undefined
}

/** A call as it is planned; one that is only judged has nobody to leave. */
type PlannedCall = Pick<CallContext, 'requestId' | 'operation' | 'caller' | 'request' | 'billing' | 'ip'> & Partial<Pick<CallContext, 'abort'>>

/**
 * Where a call would go, and for how much.
 * @throws {LoomError} `model_not_found`, `model_without_price`, `model_not_allowed`; `insufficient_scope` for a call with a price of its own by a key that may set none; whatever `prepare` and `reachable` of the request do
 */
export async function planCall(gateway: Pick<Gateway, 'catalog' | 'latencies' | 'earlierCalls' | 'pools' | 'log'>, call: PlannedCall): Promise<CallPlan> {
  const { requestId, caller, request, billing } = call
  await request.prepare?.(requestId, gateway.earlierCalls(call))
  if (caller.policy.maxOutputTokens < Infinity) request.limitOutput?.(caller.policy.maxOutputTokens)
  const pays = (target: Target) => !request.free && paysCost(call, target)
  const models = modelsOf(caller, request)
  const routed = withoutDenied(caller.policy, models[0] ?? request.model, await routeCall(gateway, { orgId: caller.orgId, pays }, request, models))
  const targets = request.reachable ? await request.reachable(routed) : routed
  const bounds = targets.map(target => ({ target, tokens: request.bound(target) }))
  if (billing.amount !== null) requireScope(caller, 'billing')
  requirePriced(request, targets.filter(pays))
  const charge = (raw: bigint, target: Target) => chargeFor(call, target, raw)
  const amount = bounds.map(({ target, tokens }) => charge(target.price ? boundCost(tokens, target.price) : 0n, target)).reduce(larger)
  const look = lookCloser(gateway, call)
  const lower = (available: bigint, mayCount = true) => fitToFunds(request, bounds, charge, available, mayCount ? look : { ...look, theirs: () => Promise.resolve(undefined) })
  return { models, targets, bounds, amount: amount > MAX_BALANCE ? BEYOND_ANY_WALLET : amount, lower: billing.amount === null || targets.some(pays) ? lower : undefined }
}

/** @throws {LoomError} `model_without_price`: an unknown price is not zero */
function requirePriced(request: CallRequest, targets: readonly Target[]): void {
  const unpriced = targets.map(target => request.unpriced?.(target)).find(found => found !== undefined)
  if (unpriced) throw new LoomError('model_without_price', `${unpriced} has no price here, so it can be neither charged to a prepaid wallet nor counted in a budget. Leave it out.`)
}

/** Of the models a request names, those that no rule refuses; where that is none, all of them, for the rules to tell why. */
export function modelsOf({ policy }: CallContext['caller'], { model, alternatives }: CallContext['request']): readonly string[] {
  if (!alternatives) return [model]
  const named = [model, ...alternatives]
  const allowed = named.filter(name => allowsModel(policy, name))
  return allowed.length > 0 ? allowed : named
}
