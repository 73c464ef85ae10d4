import type { CallOutcome } from '../gateway/call-context'

/** What the calls of one answer came to. */
export interface AnswerOutcome extends CallOutcome {
  /** What the thread took of the model's window at its end, in tokens: of the last call alone, without its reasoning, which is not sent again. */
  contextTokens: number
}

/** The calls of an answer so far and its next one as one: their tokens, cost and time together; where it came from is where its end came from. */
export function addOutcome(before: AnswerOutcome | undefined, call: CallOutcome): AnswerOutcome {
  const { inputTokens, outputTokens, cachedInputTokens, reasoningTokens } = call.usage
  const contextTokens = inputTokens + outputTokens - reasoningTokens
  if (!before) return { ...call, contextTokens }
  return {
    ...call,
    contextTokens,
    usage: {
      ...call.usage,
      inputTokens: before.usage.inputTokens + inputTokens,
      outputTokens: before.usage.outputTokens + outputTokens,
      cachedInputTokens: before.usage.cachedInputTokens + cachedInputTokens,
      reasoningTokens: before.usage.reasoningTokens + reasoningTokens
    },
    costNanoUsd: before.costNanoUsd + call.costNanoUsd,
    latencyMs: before.latencyMs + call.latencyMs,
    ttfbMs: before.ttfbMs ?? call.ttfbMs
  }
}
