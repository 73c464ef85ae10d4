/** Money is a bigint of nano-USD (10⁻⁹ USD); prices are nano-USD per million tokens. No floats anywhere on the way. */
export type NanoUsd = bigint

const NANO_PER_USD = 1_000_000_000n

/**
 * What `tokens` cost at `price` nano-USD per million tokens, rounded up to the next nano-USD.
 * @throws {RangeError} when `tokens` is negative or not a whole number
 */
export function tokenCost(tokens: number, price: NanoUsd): NanoUsd {
  if (!Number.isSafeInteger(tokens) || tokens < 0) throw new RangeError(`Not a token count: ${tokens}`)
  return (BigInt(tokens) * price + 999_999n) / 1_000_000n
}

/** The exact decimal in USD, without trailing zeros: 1234000000n → "1.234". */
export function toUsdDecimal(amount: NanoUsd): string {
  const sign = amount < 0n ? '-' : ''
  const absolute = amount < 0n ? -amount : amount
  const fraction = (absolute % NANO_PER_USD).toString().padStart(9, '0').replace(/0+$/, '')
  return `${sign}${absolute / NANO_PER_USD}${fraction && `.${fraction}`}`
}

/**
 * Reads a decimal in USD with at most nine places ("0.000000001"), exactly.
 * @throws {RangeError} when it is not such a decimal
 */
export function parseUsdDecimal(text: string): NanoUsd {
  const match = /^(-)?(\d{1,9})(?:\.(\d{1,9}))?$/.exec(text.trim())
  if (!match) throw new RangeError(`Not an amount in USD: ${text.slice(0, 40)}`)
  const amount = BigInt(match[2] ?? '0') * NANO_PER_USD + BigInt((match[3] ?? '').padEnd(9, '0'))
  return match[1] ? -amount : amount
}

/** A float of USD → nano-USD. Nine places give decimals that arrive as floats back exactly, and one with more places is rounded up. */
export function toNanoUsd(usd: number): NanoUsd {
  const nearest = parseUsdDecimal(usd.toFixed(9))
  return Number(usd.toFixed(9)) < usd ? nearest + 1n : nearest
}
