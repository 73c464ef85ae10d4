import { parseUsdDecimal } from '../../shared/money'
import { LoomError } from '../errors'

/** What `X-Billing-Amount` (nano-USD) and `X-Billing-Ref-Id` say. */
export interface Billing {
  amount: bigint | null
  refId: string | null
}

/** The road's own estimate and charge, under the call's own id. */
export const ordinaryBilling: Billing = { amount: null, refId: null }

/** @throws {LoomError} `invalid_request` when an amount is no decimal ≥ 0 in USD with at most nine places, or a ref is too long */
export function parseBilling(amount: string | undefined, refId: string | undefined): Billing {
  if (refId !== undefined && (refId.length === 0 || refId.length > 200)) {
    throw new LoomError('invalid_request', 'X-Billing-Ref-Id must have 1 to 200 characters.', { param: 'X-Billing-Ref-Id' })
  }
  if (refId?.startsWith('loom:')) throw new LoomError('invalid_request', 'X-Billing-Ref-Id must not begin with "loom:".', { param: 'X-Billing-Ref-Id' })
  return { amount: amount === undefined ? null : billingAmount(amount), refId: refId ?? null }
}

function billingAmount(text: string): bigint {
  try {
    const amount = parseUsdDecimal(text)
    if (amount >= 0n) return amount
  } catch (cause) {
    throw invalidAmount(cause)
  }
  throw invalidAmount()
}

function invalidAmount(cause?: unknown): LoomError {
  return new LoomError('invalid_request', 'X-Billing-Amount must be an amount in USD with at most nine decimals, zero or more.', { param: 'X-Billing-Amount', cause })
}
