// A fixed locale: the server and every browser render the same characters.
const whole = new Intl.NumberFormat('en-US')
const compact = new Intl.NumberFormat('en-US', { notation: 'compact', maximumFractionDigits: 1 })

/** 12345 → "12,345". */
export const formatCount = (count: number): string => whole.format(count)

/** 12345 → "12.3K"; small numbers stay whole. */
export const formatCompact = (count: number): string => count < 10_000 ? whole.format(count) : compact.format(count)

/** Every digit that was measured: 5946.25 → "5,946.25 ms". */
export const formatDurationExact = (milliseconds: number): string => `${milliseconds.toLocaleString('en-US', { maximumFractionDigits: 3 })} ms`

/** A share of one: 0.0206 → "2.1 %"; more digits below one percent. */
export const formatShare = (share: number): string => `${Number((share * 100).toFixed(share > 0 && share < 0.01 ? 2 : 1))} %`

/** The same with the digits that tell it from its neighbours. */
export const formatShareExact = (share: number): string => `${Number((share * 100).toFixed(4))} %`

/** Milliseconds with the unit that reads best: "840 ms", "1.24 s", "2 min 5 s". */
export function formatDuration(milliseconds: number): string {
  if (milliseconds < 10) return `${Number(milliseconds.toFixed(2))} ms`
  if (milliseconds < 1_000) return `${Math.round(milliseconds)} ms`
  const seconds = Math.round(milliseconds / 1_000)
  if (seconds < 60) return `${(milliseconds / 1_000).toFixed(seconds < 10 ? 2 : 1)} s`
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`
}

const byteUnits = ['B', 'KB', 'MB', 'GB', 'TB']

/** 1536 → "1.5 KB". */
export function formatBytes(bytes: number): string {
  const unit = Math.min(byteUnits.length - 1, bytes < 1_024 ? 0 : Math.floor(Math.log2(bytes) / 10))
  const amount = bytes / 1_024 ** unit
  return `${amount < 10 && unit > 0 ? Number(amount.toFixed(1)) : Math.round(amount)} ${byteUnits[unit]}`
}

/** Each of them: 1536 → "1,536 B". */
export const formatBytesExact = (bytes: number): string => `${whole.format(bytes)} B`
