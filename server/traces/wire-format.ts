import { toUsdDecimal } from '../../shared/money'
import type { Trace, TracePage, TraceSummary, UsageReport } from '../../shared/traces'
import type { WireTrace, WireTracePage, WireTraceSummary, WireUsage } from '../../shared/wire'

/** Traces and usage as `/v1` writes them: snake_case like the rest of that API, cost as an exact decimal in USD. */

export function toWireTracePage({ items, nextCursor }: TracePage): WireTracePage {
  return { object: 'list', data: items.map(toWireSummary), next_cursor: nextCursor, has_more: nextCursor !== null }
}

export function toWireTrace(trace: Trace): WireTrace {
  return {
    ...toWireSummary(trace),
    attempts: trace.attempts.map(({ latencyMs, ...attempt }) => ({ ...attempt, latency_ms: latencyMs })),
    steps: trace.steps,
    bodies_erased: trace.bodiesErased,
    request_body: trace.requestBody,
    response_body: trace.responseBody
  }
}

export function toWireUsage({ from, to, groupBy, items }: UsageReport): WireUsage {
  return {
    object: 'list',
    from,
    to,
    group_by: groupBy,
    data: items.map(item => ({
      group: item.group,
      calls: item.calls,
      input_tokens: item.inputTokens,
      output_tokens: item.outputTokens,
      cached_input_tokens: item.cachedInputTokens,
      reasoning_tokens: item.reasoningTokens,
      cost_usd: toUsdDecimal(BigInt(item.costNanoUsd))
    }))
  }
}

function toWireSummary(trace: TraceSummary): WireTraceSummary {
  return {
    id: trace.id,
    object: 'trace',
    created_at: trace.createdAt,
    endpoint: trace.endpoint,
    requested_model: trace.requestedModel,
    model: trace.model,
    provider: trace.provider,
    status_code: trace.statusCode,
    error_type: trace.errorType,
    is_stream: trace.isStream,
    cache: trace.cache,
    latency_ms: trace.latencyMs,
    ttfb_ms: trace.ttfbMs,
    gateway_overhead_ms: trace.gatewayOverheadMs,
    input_tokens: trace.inputTokens,
    output_tokens: trace.outputTokens,
    cached_input_tokens: trace.cachedInputTokens,
    reasoning_tokens: trace.reasoningTokens,
    cost_usd: toUsdDecimal(BigInt(trace.costNanoUsd)),
    project_id: trace.projectId,
    api_key_id: trace.apiKeyId,
    user_id: trace.userId,
    conversation_id: trace.conversationId,
    tags: trace.tags
  }
}
