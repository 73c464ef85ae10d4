import type { InferSelectModel } from 'drizzle-orm'
import { traces } from '../../db/schema'
import { Tags } from '../../shared/traces'
import type { TraceSummary } from '../../shared/traces'

/** The columns of a trace without its bodies: what lists read. */
export const summaryColumns = {
  id: traces.id,
  createdAt: traces.createdAt,
  endpoint: traces.endpoint,
  requestedModel: traces.requestedModel,
  model: traces.model,
  provider: traces.provider,
  statusCode: traces.statusCode,
  errorType: traces.errorType,
  isStream: traces.isStream,
  cache: traces.cache,
  latencyMs: traces.latencyMs,
  ttfbMs: traces.ttfbMs,
  gatewayOverheadMs: traces.gatewayOverheadMs,
  inputTokens: traces.inputTokens,
  outputTokens: traces.outputTokens,
  cachedInputTokens: traces.cachedInputTokens,
  reasoningTokens: traces.reasoningTokens,
  cost: traces.cost,
  projectId: traces.projectId,
  apiKeyId: traces.apiKeyId,
  userId: traces.userId,
  conversationId: traces.conversationId,
  tags: traces.tags
}

type SummaryRow = Pick<InferSelectModel<typeof traces>, keyof typeof summaryColumns>

export function toSummary({ cost, createdAt, ...row }: SummaryRow): TraceSummary {
  const { id, endpoint, requestedModel, model, provider, statusCode, errorType, isStream, cache, latencyMs, ttfbMs, gatewayOverheadMs } = row
  const { inputTokens, outputTokens, cachedInputTokens, reasoningTokens, projectId, apiKeyId, userId, conversationId } = row
  return {
    id, createdAt: createdAt.toISOString(), endpoint, requestedModel, model, provider, statusCode, errorType, isStream, cache, latencyMs, ttfbMs, gatewayOverheadMs,
    inputTokens, outputTokens, cachedInputTokens, reasoningTokens, costNanoUsd: cost.toString(), projectId, apiKeyId, userId, conversationId, tags: Tags.parse(row.tags)
  }
}
