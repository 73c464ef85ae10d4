import { applyMarkup } from '../billing/apply-markup'
import type { Target } from '../catalog/target'
import { larger } from '../utils/larger'
import type { CallContext } from './call-context'
import type { Caller } from './caller'
import { isPayer } from './caller'

type Charged = Pick<CallContext, 'billing' | 'caller'>

/**
 * Whether what a call costs at a target is taken from something that may run out. A call that brings a price of its own needs no other, but where its org owes the
 * platform what the call costs: an org must not decide that. See docs/decisions/2026-11-30-a-price-of-ones-own-is-no-discount.md.
 */
export function paysCost({ billing, caller }: Charged, target: Target): boolean {
  return billing.amount === null ? isPayer(caller) : owesCost(caller, target)
}

/** What an org is charged for a call that cost `raw` at a target, nano-USD: its cost, or the price that the call brings; where the org owes the cost, the greater of the two. */
export function chargeFor({ billing: { amount }, caller }: Charged, target: Target, raw: bigint): bigint {
  const cost = applyMarkup(raw, caller.markupBasisPoints)
  if (amount === null) return cost
  return owesCost(caller, target) ? larger(amount, cost) : amount
}

/** A prepaid org does at what all orgs share, and whoever is under a budget of the platform's everywhere. */
function owesCost({ walletMode, policy }: Pick<Caller, 'walletMode' | 'policy'>, { connection }: Target): boolean {
  return (walletMode === 'prepaid' && connection.isShared === true) || policy.budgets.some(({ scope }) => scope === 'platform')
}
