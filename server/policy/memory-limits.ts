import type { CounterRule } from './compile-policy'
import type { Claim, CounterState, Grant, LimitStore, Refused } from './limit-store'
import { clamp, findLastToFit, WINDOW_MS } from './limit-store'

interface Counter { used: number, startedAt: number }

const SWEEP_EVERY = 10_000

/** Counts the calls of this process alone. */
export class MemoryLimits implements LimitStore {
  private readonly counters = new Map<string, Counter>()
  private takes = 0

  take(_callId: string, claims: readonly Claim[]): Promise<Grant | Refused> {
    const now = Date.now()
    if (++this.takes % SWEEP_EVERY === 0) this.sweep(now)
    const counters = claims.map(({ rule }) => this.current(rule, now))
    const describeAll = () => claims.map(({ rule }, index) => describe(rule, counters[index], now))
    if (claims.some((claim, index) => clamp(claim) > remainingOf(claim.rule, counters[index]))) {
      const states = describeAll()
      const refused = findLastToFit(claims, states)
      if (refused !== undefined) return Promise.resolve({ refused, states })
    }
    counters.forEach((counter, index) => counter.used += clampAt(claims, index))
    const states = describeAll()
    const settle = (usedTokens: number | null) => claims.forEach((claim, index) => {
      const counter = counters[index]
      if (!counter) return
      // A counter of a later window is another object.
      if (claim.rule.rule === 'tokens_per_minute') counter.used = Math.max(0, counter.used + (usedTokens ?? 0) - clamp(claim))
      else if (claim.rule.rule === 'max_concurrent' || usedTokens === null) counter.used -= 1
    })
    return Promise.resolve({ states, settle })
  }

  peek(rules: readonly CounterRule[]): Promise<readonly CounterState[]> {
    const now = Date.now()
    return Promise.resolve(rules.map(rule => describe(rule, this.current(rule, now), now)))
  }

  close(): Promise<void> {
    return Promise.resolve()
  }

  private current({ key, rule }: CounterRule, now: number): Counter {
    const known = this.counters.get(key)
    if (known && (rule === 'max_concurrent' || now - known.startedAt < WINDOW_MS)) return known
    const counter = { used: 0, startedAt: now }
    this.counters.set(key, counter)
    return counter
  }

  /** Forgets counters nothing is counted in, so that memory follows the keys in use. */
  private sweep(now: number): void {
    for (const [key, { used, startedAt }] of this.counters) {
      if (used === 0 || (now - startedAt >= WINDOW_MS && !key.startsWith('max_concurrent:'))) this.counters.delete(key)
    }
  }
}

function clampAt(claims: readonly Claim[], index: number): number {
  const claim = claims[index]
  return claim ? clamp(claim) : 0
}

function remainingOf({ limit }: CounterRule, counter: Counter | undefined): number {
  return Math.max(0, limit - (counter?.used ?? 0))
}

function describe(rule: CounterRule, counter: Counter | undefined, now: number): CounterState {
  return {
    remaining: remainingOf(rule, counter),
    resetMs: rule.rule === 'max_concurrent' || !counter ? 0 : Math.max(0, counter.startedAt + WINDOW_MS - now)
  }
}
