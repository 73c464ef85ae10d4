import type { ModelTrial, TryModel } from '../../shared/model-routes'
import { callChat } from '../gateway/call-chat'
import type { Principal } from '../identity/principal'
import { requireRunning } from '../operations/require-running'
import type { Runtime } from '../runtime'
import { findCaller } from './find-caller'

/** An answer for looking at. */
const MAX_TOKENS = 1_000

/**
 * Asks a model once, on the road: under the org's policy, on its wallet, with a trace. A refusal or failure is part of the result, as
 * any caller would be told it.
 * @throws {LoomError} `forbidden` for who is no member any more, `service_unavailable` while stopping
 */
export async function tryModel(runtime: Pick<Runtime, 'gateway' | 'db' | 'stopping'>, principal: Principal, { model, prompt }: TryModel, signal: AbortSignal): Promise<ModelTrial> {
  requireRunning(runtime)
  const caller = await findCaller(runtime.db.orm, principal, principal.projectId)
  const text: string[] = []
  const { head, latencyMs, ttfbMs, usage, costNanoUsd, error } = await callChat(runtime, caller, { model, messages: [{ role: 'user', content: prompt }], max_tokens: MAX_TOKENS }, {
    signal,
    ip: principal.ip,
    onChunk: ({ choices }) => {
      for (const { delta } of choices) if (delta?.content) text.push(delta.content)
    }
  })
  return {
    traceId: head.requestId,
    text: text.join(''),
    provider: head.provider,
    model: head.model,
    attempts: head.attempts,
    latencyMs: Math.round(latencyMs),
    ttfbMs: ttfbMs === null ? null : Math.round(ttfbMs),
    inputTokens: usage.inputTokens,
    outputTokens: usage.outputTokens,
    costNanoUsd: costNanoUsd.toString(),
    error: error && { code: error.code, message: error.message }
  }
}
