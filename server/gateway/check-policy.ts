import { findRef } from '../billing/late-ref'
import type { Database } from '../../db/client'
import { toUsdDecimal } from '../../shared/money'
import type { PolicyCheck, PolicyDecision } from '../../shared/policy'
import { smaller } from '../utils/larger'
import { callBudgets, judgeBudgets } from './call-budgets'
import type { CallContext } from './call-context'
import type { Gateway } from './gateway'
import { insufficientFunds, refConflict } from './hold-budget'
import { planCall } from './plan-call'
import { policyRequest } from './policy-request'

type CheckedCall = Pick<CallContext, 'requestId' | 'operation' | 'request' | 'caller' | 'billing' | 'ip'>

/**
 * What the road would decide of a call now, rule by rule: where wallet and budgets have less than its upper bound, of what it could be
 * held for instead. Takes nothing that a call would find, holds nothing, and calls nobody but, where every rule allows the call, a provider for its count of a prompt.
 * @throws {LoomError} `model_not_found`, `model_without_price`, `insufficient_scope` and `ref_id_conflict` of its billing, and `model_not_allowed` when a rule denies
 * wherever the model leads; what `prepare` of the request does; `rate_limit_exceeded` of as many dry runs a minute or at once as the caller may make calls
 */
export async function checkPolicy(gateway: Gateway, db: Pick<Database, 'query'>, context: CheckedCall): Promise<PolicyCheck> {
  const end = await gateway.policy.admitDryRun(context.caller, context.requestId)
  try {
    return await judge(gateway, db, context)
  } finally {
    end()
  }
}

async function judge(gateway: Gateway, db: Pick<Database, 'query'>, context: CheckedCall): Promise<PolicyCheck> {
  const { caller, request, billing } = context
  const plan = await planCall(gateway, context)
  const judged = policyRequest(context, plan)
  const rules = await gateway.policy.explain(caller, judged)
  const budgets = callBudgets(caller) ?? []
  const lefts = await gateway.budget.leftFor(budgets, plan.amount)
  const leastLeft = lefts.reduce(smaller, plan.amount)
  const found = await gateway.budget.availableFor(caller.orgId, leastLeft)
  const least = found === null ? leastLeft : smaller(leastLeft, found)
  const offer = least < plan.amount ? await plan.lower?.(least, rules.every(isAllowed)) : undefined
  const amount = offer?.amount ?? plan.amount
  // Beside a budget that denies the whole amount, the wallet is asked for that too, rather than for what the budget has left.
  const available = found === null || amount <= found ? found : await gateway.budget.availableFor(caller.orgId, amount)
  const decisions = [...rules, ...judgeBudgets(budgets, lefts, amount), judgeWallet(available, amount)]
  const allowed = decisions.every(isAllowed)
  if (allowed && billing.refId !== null && await findRef(db, caller.orgId, billing.refId) !== 'free') throw refConflict(billing.refId)
  const cap = offer?.maxOutputTokens
  if (cap !== undefined) request.limitOutput?.(cap)
  return {
    object: 'policy.check',
    allowed,
    decisions,
    estimate: {
      max_input_tokens: judged.bound.inputTokens,
      max_output_tokens: cap === undefined ? judged.bound.outputTokens : Math.max(...plan.targets.map(target => request.bound(target).outputTokens)),
      hold_usd: toUsdDecimal(amount),
      ...(cap !== undefined && { offered_max_tokens: cap }),
      targets: plan.targets.map(({ connection, upstreamModel }) => ({ provider: connection.kind, model: upstreamModel }))
    }
  }
}

function isAllowed({ outcome }: PolicyDecision): boolean {
  return outcome === 'allow'
}

function judgeWallet(available: bigint | null, amount: bigint): PolicyDecision {
  if (available === null) return { rule: 'wallet', scope: 'org', outcome: 'allow' }
  const remaining = toUsdDecimal(available)
  return amount <= available
    ? { rule: 'wallet', scope: 'org', outcome: 'allow', remaining }
    : { rule: 'wallet', scope: 'org', outcome: 'deny', remaining, message: insufficientFunds(amount, available).message }
}
