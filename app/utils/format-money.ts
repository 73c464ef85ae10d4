import { toUsdDecimal } from '#shared/money'

const cents = 10_000_000n
/** From here on three digits say a whole dollar. */
const roundsToDollar = 999_500_000n

/** Every digit of an amount in nano-USD, cents always: "1234000000" → "$1.234", "600000000" → "$0.60". */
export function formatUsdExact(nanoUsd: string): string {
  const amount = BigInt(nanoUsd)
  const [dollars = '', fraction = ''] = toUsdDecimal(amount < 0n ? -amount : amount).split('.')
  return `${amount < 0n ? '-' : ''}$${dollars}.${fraction.padEnd(2, '0')}`
}

/** An amount in nano-USD for people who scan: cents from a dollar up, three significant digits below. */
export function formatUsd(nanoUsd: string): string {
  const amount = BigInt(nanoUsd)
  if (amount < 0n) return `-${formatUsd((-amount).toString())}`
  if (amount === 0n) return '$0.00'
  if (amount >= roundsToDollar) return `$${wholeCents(amount)}`
  const digits = (Number(amount) / 1e9).toLocaleString('en-US', { maximumSignificantDigits: 3, maximumFractionDigits: 20 })
  return `$${digits.length < '0.00'.length ? digits.padEnd('0.00'.length, '0') : digits}`
}

function wholeCents(amount: bigint): string {
  const rounded = (amount + cents / 2n) / cents
  return `${(rounded / 100n).toLocaleString('en-US')}.${(rounded % 100n).toString().padStart(2, '0')}`
}
