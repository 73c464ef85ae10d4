import { z } from 'zod'
import type { Database } from '../../db/client'
import { toUsdDecimal } from '../../shared/money'
import type { PolicyCheck, PolicyDecision } from '../../shared/policy'
import { callBudgets, judgeBudgets } from './call-budgets'
import type { CallContext } from './call-context'
import type { Gateway } from './gateway'
import { planCall } from './plan-call'
import { policyRequest } from './policy-request'

const Funds = z.object({ mode: z.enum(['prepaid', 'unlimited']), available: z.bigint() })

/**
 * What the road would decide of a call now, rule by rule. Counts, holds and calls nothing.
 * @throws {LoomError} `model_not_found`, `model_without_price`, and `model_not_allowed` when a rule denies wherever the model leads
 */
export async function checkPolicy(gateway: Gateway, db: Pick<Database, 'query'>, context: Pick<CallContext, 'requestId' | 'operation' | 'request' | 'caller' | 'billing' | 'ip'>): Promise<PolicyCheck> {
  const plan = await planCall(gateway, context)
  const { targets, amount } = plan
  const request = policyRequest(context, plan)
  const decisions = [...await gateway.policy.explain(context.caller, request), ...await judgeBudgets(db, callBudgets(context.caller) ?? [], amount), await judgeWallet(db, context, amount)]
  return {
    object: 'policy.check',
    allowed: decisions.every(({ outcome }) => outcome === 'allow'),
    decisions,
    estimate: {
      max_input_tokens: request.bound.inputTokens,
      max_output_tokens: request.bound.outputTokens,
      hold_usd: toUsdDecimal(amount),
      targets: targets.map(({ connection, upstreamModel }) => ({ provider: connection.kind, model: upstreamModel }))
    }
  }
}

async function judgeWallet(db: Pick<Database, 'query'>, { caller }: Pick<CallContext, 'caller'>, amount: bigint): Promise<PolicyDecision> {
  const [row] = await db.query('select mode, balance - held as available from wallets where org_id = $1', [caller.orgId])
  const { mode, available } = Funds.parse(row)
  if (mode === 'unlimited') return { rule: 'wallet', scope: 'org', outcome: 'allow' }
  const remaining = toUsdDecimal(available)
  return amount <= available
    ? { rule: 'wallet', scope: 'org', outcome: 'allow', remaining }
    : { rule: 'wallet', scope: 'org', outcome: 'deny', remaining, message: `This call may cost up to $${toUsdDecimal(amount)} and the wallet has $${remaining} available.` }
}
