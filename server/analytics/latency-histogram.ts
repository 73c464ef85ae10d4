/**
 * A latency histogram is one whole number: bucket b holds its count as the twelve decimal digits from 10^(12 b) on. So histograms merge by
 * plain addition, in an upsert and in `sum()`, and a narrow one takes few bytes, for PostgreSQL stores no zeros at either end of a numeric.
 */

/** The place of a bucket's count: room for 10¹² calls. */
const DIGITS = 12

/** Where each bucket but the first begins, in ms: four an octave, from 1/16 ms to about 15 minutes. */
const STARTS: readonly number[] = Array.from({ length: 96 }, (_, step) => 2 ** ((step - 16) / 4))

const STARTS_SQL = `'{${STARTS.join(',')}}'::float8[]`

/** SQL for the histogram of a group's `milliseconds`; NULLs do not count. */
export function histogramOf(milliseconds: string): string {
  return `coalesce(sum(('1e' || ${DIGITS} * width_bucket(${milliseconds}::float8, ${STARTS_SQL}))::numeric), 0)`
}

/** Calls per bucket, from the lowest on, of a histogram in decimal. */
export function readHistogram(decimal: string): number[] {
  const counts: number[] = []
  for (let end = decimal.length; end > 0; end -= DIGITS) counts.push(Number(decimal.slice(Math.max(0, end - DIGITS), end)))
  return counts
}

/** Calls per bucket of all of them together. */
export function mergeHistograms(histograms: readonly (readonly number[])[]): number[] {
  const merged: number[] = []
  for (const counts of histograms) {
    for (const [bucket, count] of counts.entries()) merged[bucket] = (merged[bucket] ?? 0) + count
  }
  return merged
}

/**
 * The time in ms that the share `rank` (0 to 1) of calls stayed within; null when there was none. A bucket is 19 % wide and calls
 * are taken to be spread evenly in it, so it is off by less than that.
 */
export function percentile(counts: readonly number[], rank: number): number | null {
  const total = counts.reduce((sum, count) => sum + count, 0)
  if (total === 0) return null
  let left = rank * total
  const bucket = counts.findIndex((count) => {
    if (count > 0 && left <= count) return true
    left -= count
    return false
  })
  const start = bucket === 0 ? 0 : STARTS[bucket - 1] ?? 0
  const end = STARTS[bucket] ?? start
  return start + (end - start) * left / (counts[bucket] ?? 1)
}
