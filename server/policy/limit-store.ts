import type { CounterRule } from './compile-policy'

/** A window's length; it begins with the first call in it. */
export const WINDOW_MS = 60_000

/** What one call asks of a counter. */
export interface Claim {
  rule: CounterRule
  /** 1 of requests and of running calls; of tokens what the call may use at most. */
  amount: number
}

/** A counter after the call, in the order of the claims. */
export interface CounterState {
  remaining: number
  /** Until the window ends; 0 for running calls, which end when they do. */
  resetMs: number
}

export interface Grant {
  states: readonly CounterState[]
  /**
   * The call has ended, having used this many tokens: gives back the running call, corrects the tokens of its window; null: it was
   * refused after all, and gives its request back, too. Call it once.
   */
  settle: (usedTokens: number | null) => void
}

export interface Refused {
  /** Index of the claim that fits the latest, of those that did not. */
  refused: number
  states: readonly CounterState[]
}

/**
 * Counts calls. Every store keeps the same promises:
 * - all claims of a call are taken, or, when one does not fit, none;
 * - a claim larger than the whole limit fits into a window nothing was taken of, and takes all of it;
 * - tokens are corrected, and requests given back, in the window they were taken from, and never in a later one.
 */
export interface LimitStore {
  /** @param callId tells running calls apart */
  take: (callId: string, claims: readonly Claim[]) => Promise<Grant | Refused>
  /** The counters as they are now, nothing taken. */
  peek: (rules: readonly CounterRule[]) => Promise<readonly CounterState[]>
  close: () => Promise<void>
}

/** What is really taken of a counter. */
export function clamp({ rule, amount }: Claim): number {
  return Math.min(amount, rule.limit)
}

/**
 * Index of the claim that fits the latest, of those that find too little left: whoever waits for another is refused again. The first of several that fit
 * at the same time; undefined where all fit.
 */
export function findLastToFit(claims: readonly Claim[], states: readonly CounterState[]): number | undefined {
  let last: number | undefined
  let latestMs = -1
  for (const [index, claim] of claims.entries()) {
    const state = states[index]
    if (!state || clamp(claim) <= state.remaining || state.resetMs <= latestMs) continue
    last = index
    latestMs = state.resetMs
  }
  return last
}
