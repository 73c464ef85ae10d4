import type { NanoUsd } from '../../shared/money'

const BASIS_POINTS = 10_000n

/** This part of an amount, in hundredths of a percent, rounded up. */
export function applyShare(amount: NanoUsd, basisPoints: number): NanoUsd {
  return (amount * BigInt(basisPoints) + BASIS_POINTS - 1n) / BASIS_POINTS
}

/** What an org is charged for what cost `raw`: markup (below zero a discount) in hundredths of a percent, rounded up once. */
export function applyMarkup(raw: NanoUsd, basisPoints: number): NanoUsd {
  return basisPoints === 0 ? raw : (raw * (BASIS_POINTS + BigInt(basisPoints)) + BASIS_POINTS - 1n) / BASIS_POINTS
}
