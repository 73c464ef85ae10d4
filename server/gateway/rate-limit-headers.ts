import type { RateLimitState } from './apply-policy'

/** `x-ratelimit-*` as OpenAI writes them; none without a limit. */
export function rateLimitHeaders(unit: 'requests' | 'tokens', state: RateLimitState | undefined): Record<string, string> {
  if (!state) return {}
  return {
    [`x-ratelimit-limit-${unit}`]: String(state.limit),
    [`x-ratelimit-remaining-${unit}`]: String(state.remaining),
    [`x-ratelimit-reset-${unit}`]: duration(state.resetMs)
  }
}

/** A duration as OpenAI writes it: `12ms`, `7.2s`, `6m0s`. */
function duration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)}ms`
  if (ms < 60_000) return `${Math.round(ms / 100) / 10}s`
  return `${Math.floor(ms / 60_000)}m${Math.round((ms % 60_000) / 1000)}s`
}
