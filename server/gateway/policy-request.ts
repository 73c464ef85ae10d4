import type { PolicyRequest } from './apply-policy'
import type { CallContext } from './call-context'
import type { CallPlan } from './plan-call'

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
    outputTokens: request.askedOutputTokens,
    // What is not in the body has no count but its bound.
    countInput: async () => bounds.some(({ tokens }) => tokens.isElsewhere) ? bound.inputTokens : request.countInput()
  }
}
