/** `Math.max` of bigints. */
export function larger(a: bigint, b: bigint): bigint {
  return a > b ? a : b
}

/** `Math.min` of bigints. */
export function smaller(a: bigint, b: bigint): bigint {
  return a < b ? a : b
}
