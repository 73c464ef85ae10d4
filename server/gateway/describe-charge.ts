import { applyShare } from '../billing/apply-markup'
import { computeCost } from '../billing/compute-cost'
import type { Price } from '../billing/price'
import type { CallRecord } from './call-record'
import { chargeFor } from './charge'
import type { Surcharge } from './operations/unpriced'
import type { Usage } from './usage'

type ChargedCall = Pick<CallRecord, 'context' | 'target' | 'cache'>

interface Charge {
  usage: Usage
  costNanoUsd: bigint
  surcharge: Surcharge | undefined
  isUnanswered: boolean | undefined
}

/**
 * What a call's org is charged for this usage, nano-USD.
 * @param isUnanswered no answer came in time: a price of the caller's own, which is for one, counts as none
 */
export function costOf(call: ChargedCall, usage: Usage, isUnanswered = false): bigint {
  const full = fullCost(call, usage, isUnanswered)
  return call.cache === 'hit' ? applyShare(full, call.context.caller.cacheHitBasisPoints) : full
}

/** The price as the ledger keeps it; with what was asked and what the call cost the platform, where the org is charged something else. */
export function describeCharge(call: ChargedCall, { usage, costNanoUsd, surcharge, isUnanswered = false }: Charge): Record<string, unknown> {
  const { cache, target, context: { billing: { amount }, caller: { markupBasisPoints, cacheHitBasisPoints } } } = call
  const price = {
    ...describePrice(target?.price),
    ...(surcharge && { unpriced: surcharge }),
    ...(usage.units && target?.price?.units && { used: usage.units }),
    ...(usage.toldCostNanoUsd !== undefined && target?.price?.tellsCost && { toldCostNanoUsd: usage.toldCostNanoUsd.toString() })
  }
  if (amount === null && markupBasisPoints === 0 && cache !== 'hit') return price
  const isAsked = !isUnanswered && amount === fullCost(call, usage, isUnanswered)
  return {
    ...price,
    ...(isAsked ? { source: 'x-billing-amount' } : { markupBasisPoints, ...(amount !== null && { askedNanoUsd: amount.toString() }) }),
    ...(cache === 'hit' && { cacheHitBasisPoints }),
    rawCostNanoUsd: (cache === 'hit' ? 0n : rawCost(call, usage)).toString(),
    chargedNanoUsd: costNanoUsd.toString()
  }
}

function fullCost(call: ChargedCall, usage: Usage, isUnanswered: boolean): bigint {
  const { target, context: { billing, caller } } = call
  if (!target) return 0n
  const counted = isUnanswered && billing.amount !== null ? { ...billing, amount: 0n } : billing
  return chargeFor({ billing: counted, caller }, target, rawCost(call, usage))
}

/** What the provider asks for it. */
function rawCost({ target }: ChargedCall, usage: Usage): bigint {
  return target?.price ? computeCost(usage, target.price) : 0n
}

const describedPrices = new WeakMap<Price, Record<string, unknown>>()

/** A price as JSON, its figures as strings; made once a price, not once a call. */
function describePrice(price: Price | undefined): Record<string, unknown> {
  if (!price) return { source: 'none' }
  const known = describedPrices.get(price)
  if (known) return known
  const described: Record<string, unknown> = JSON.parse(JSON.stringify(price, (_, item: unknown) => typeof item === 'bigint' ? item.toString() : item))
  describedPrices.set(price, described)
  return described
}
