import type { PolicyRequest } from './apply-policy'
import { likelyInput } from './estimate-cost'
import type { TokenBounds } from './estimate-cost'
import type { CallContext } from './call-context'
import type { CallRequest } from './operations/operation'
import type { CallPlan } from './plan-call'

/** What an answer is taken to be long at most, whose caller set no cap: the model's own is many times what it writes. */
const UNCAPPED_ANSWER_TOKENS = 4_096

/** What the policy step needs to know of a call. */
export function policyRequest({ requestId, operation, request, ip }: Pick<CallContext, 'requestId' | 'operation' | 'request' | 'ip'>, { models, bounds }: Pick<CallPlan, 'models' | 'bounds'>): PolicyRequest {
  const bound = { inputTokens: Math.max(...bounds.map(({ tokens }) => tokens.inputTokens)), outputTokens: Math.max(...bounds.map(({ tokens }) => tokens.outputTokens)) }
  return {
    callId: requestId,
    scope: operation.scope,
    models,
    ip,
    bodyBytes: request.bodyBytes ?? request.raw.length,
    bound,
    reservedTokens: Math.max(...bounds.map(({ tokens }) => reservedTokens(request, tokens))),
    outputTokens: request.askedOutputTokens,
    // What is not in the body has no count but its bound.
    countInput: async () => bounds.some(({ tokens }) => tokens.isElsewhere) ? bound.inputTokens : request.countInput()
  }
}

/**
 * The most the call may use at a target; an estimate of its prompt where that may be the whole window whatever its size, and of all of it where its caller could have set a cap, and did not.
 * See docs/decisions/2026-11-29-uncapped-calls-reserve-an-estimate.md.
 */
function reservedTokens({ limitOutput, askedOutputTokens }: Pick<CallRequest, 'limitOutput' | 'askedOutputTokens'>, tokens: TokenBounds): number {
  const { inputTokens, outputTokens, likelyInputTokens, answers = 1 } = tokens
  if (!limitOutput || askedOutputTokens !== undefined) return (likelyInputTokens ?? inputTokens) + outputTokens
  return likelyInput(tokens) + Math.min(outputTokens, UNCAPPED_ANSWER_TOKENS * answers)
}
