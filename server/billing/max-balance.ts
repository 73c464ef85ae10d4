/** A wallet stands between minus and plus this many nano-USD, $4 billion: so no sum of balance and holds ever leaves a bigint. */
export const MAX_BALANCE = 4_000_000_000_000_000_000n
