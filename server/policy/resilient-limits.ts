import type { Log } from '../operations/log'
import type { Metrics } from '../operations/metrics'
import type { CounterRule } from './compile-policy'
import type { Claim, CounterState, Grant, LimitStore, Refused } from './limit-store'

/** After a failure calls do not ask Redis for so long: one that hangs must not cost each of them its time. */
const REST_MS = 1_000

/**
 * Counts on Redis, and by this process alone while Redis is gone: calls go on, loudly. A call is settled where it was counted.
 */
export class ResilientLimits implements LimitStore {
  private restUntilMs = 0
  private isLost = false

  constructor(
    private readonly shared: LimitStore,
    private readonly own: LimitStore,
    private readonly redis: { readonly status: string },
    private readonly metrics: Metrics,
    private readonly log: Log
  ) {}

  take(callId: string, claims: readonly Claim[]): Promise<Grant | Refused> {
    return this.ask(store => store.take(callId, claims))
  }

  peek(rules: readonly CounterRule[]): Promise<readonly CounterState[]> {
    return this.ask(store => store.peek(rules))
  }

  async close(): Promise<void> {
    await Promise.all([this.shared.close(), this.own.close()])
  }

  private async ask<Answer>(question: (store: LimitStore) => Promise<Answer>): Promise<Answer> {
    if (this.redis.status === 'ready' && Date.now() >= this.restUntilMs) {
      try {
        const answer = await question(this.shared)
        if (this.isLost) this.log.info('Limits are counted on Redis again')
        this.isLost = false
        return answer
      } catch (error) {
        this.restUntilMs = Date.now() + REST_MS
        this.tellLost(error)
      }
    } else {
      this.tellLost()
    }
    this.metrics.unsharedLimits.inc()
    return question(this.own)
  }

  private tellLost(error?: unknown): void {
    if (this.isLost) return
    this.isLost = true
    this.metrics.failures.inc({ what: 'redis_limits' })
    this.log.error({ err: error }, 'Limits are counted by this replica alone, for Redis does not answer')
  }
}
