const MINUTE_MS = 60_000

/** Between one attempt and the next; after the last of them a delivery has failed. Each is longer than an attempt may take. */
const delaysMs = [0.5, 1, 2, 5, 15, 60, 180, 360, 720].map(minutes => minutes * MINUTE_MS)

export const MAX_ATTEMPTS = delaysMs.length + 1

/** How long to wait after the `attempts`-th attempt, ms, without jitter: a receiver that is back should be told soon. */
export function retryDelayMs(attempts: number): number {
  return delaysMs[Math.min(attempts, delaysMs.length) - 1] ?? 0
}
