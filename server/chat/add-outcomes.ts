import type { CallOutcome } from '../gateway/call-context'

/** Two calls of one answer as one: their tokens, cost and time together; where it came from is where its end came from. */
export function addOutcomes(first: CallOutcome, next: CallOutcome): CallOutcome {
  return {
    ...next,
    usage: {
      ...next.usage,
      inputTokens: first.usage.inputTokens + next.usage.inputTokens,
      outputTokens: first.usage.outputTokens + next.usage.outputTokens,
      cachedInputTokens: first.usage.cachedInputTokens + next.usage.cachedInputTokens,
      reasoningTokens: first.usage.reasoningTokens + next.usage.reasoningTokens
    },
    costNanoUsd: first.costNanoUsd + next.costNanoUsd,
    latencyMs: first.latencyMs + next.latencyMs,
    ttfbMs: first.ttfbMs ?? next.ttfbMs
  }
}
