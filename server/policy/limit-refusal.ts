import type { CounterRule } from './compile-policy'
import type { CounterState } from './limit-store'
import { levelAdvice, levelNames, PolicyRefusal } from './policy-refusal'

const units = { requests_per_minute: 'requests', tokens_per_minute: 'tokens' } as const

/** Running calls end when they end; a second is worth waiting. */
const CONCURRENCY_RETRY_SECONDS = 1

/** The 429 of a counter that has too little left. */
export function limitRefusal({ rule, scope, limit }: CounterRule, { remaining, resetMs }: CounterState): PolicyRefusal {
  if (rule === 'max_concurrent') {
    return new PolicyRefusal('rate_limit_exceeded', `${capitalised(levelNames[scope])} may run ${limit} calls at once and all are in use. Wait for one to end, or raise the limit ${levelAdvice[scope]}.`, {
      rule, scope, limit, remaining, retryAfterSeconds: CONCURRENCY_RETRY_SECONDS
    })
  }
  const seconds = Math.max(1, Math.ceil(resetMs / 1000))
  const refusal = new PolicyRefusal('rate_limit_exceeded', `The limit of ${limit} ${units[rule]} per minute of ${levelNames[scope]} has ${remaining} left, too few for this call. Try again in ${seconds} s.`, {
    rule, scope, limit, remaining, resets: { inMs: resetMs, atMs: Date.now() + resetMs }, retryAfterSeconds: seconds
  })
  refusal.rateLimit = { unit: units[rule], state: { limit, remaining, resetMs } }
  return refusal
}

function capitalised(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}
