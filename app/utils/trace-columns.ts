import type { TraceSummary } from '#shared/traces'
import { formatExactly } from '~/utils/format-moment'
import { formatCount, formatDuration, formatDurationExact } from '~/utils/format-number'
import type { Translate } from './translate'

/** A column of the trace table beside time, status and cost, which have looks of their own. */
export interface TraceColumn {
  name: string
  labelKey: string
  isNumber?: boolean
  text: (trace: TraceSummary, t: Translate, nameOf: NameOf) => string
  /** Every digit, where `text` has not. */
  exact?: (trace: TraceSummary) => string | undefined
  initially: boolean
}

/** What people call a project, key or user; undefined where nobody knows. */
export type NameOf = (kind: 'project' | 'key' | 'user', id: string) => string | undefined

const named = (nameOf: NameOf, kind: 'project' | 'key' | 'user', id: string | null) => id === null ? '–' : nameOf(kind, id) ?? id.slice(0, 8)

export const traceColumns: readonly TraceColumn[] = [
  { name: 'exactTime', labelKey: 'trace.columns.exactTime', text: trace => formatExactly(new Date(trace.createdAt)), initially: false },
  { name: 'model', labelKey: 'trace.columns.model', text: trace => trace.model, initially: true },
  { name: 'requestedModel', labelKey: 'trace.columns.requestedModel', text: trace => trace.requestedModel, initially: false },
  { name: 'provider', labelKey: 'trace.columns.provider', text: trace => trace.provider, initially: true },
  { name: 'endpoint', labelKey: 'trace.columns.endpoint', text: trace => trace.endpoint, initially: false },
  { name: 'source', labelKey: 'trace.columns.source', text: (trace, t) => t(trace.conversationId ? 'trace.sources.chat' : trace.apiKeyId ? 'trace.sources.apiKey' : 'trace.sources.app'), initially: true },
  { name: 'cache', labelKey: 'trace.columns.cache', text: trace => trace.cache, initially: false },
  { name: 'stream', labelKey: 'trace.columns.stream', text: (trace, t) => t(trace.isStream ? 'common.yes' : 'common.no'), initially: false },
  { name: 'project', labelKey: 'trace.columns.project', text: (trace, _, nameOf) => named(nameOf, 'project', trace.projectId), initially: false },
  { name: 'key', labelKey: 'trace.columns.key', text: (trace, _, nameOf) => named(nameOf, 'key', trace.apiKeyId), initially: false },
  { name: 'user', labelKey: 'trace.columns.user', text: (trace, _, nameOf) => named(nameOf, 'user', trace.userId), initially: false },
  { name: 'tags', labelKey: 'trace.columns.tags', text: trace => Object.entries(trace.tags).map(([name, value]) => `${name}=${value}`).join(', ') || '–', initially: false },
  { name: 'inputTokens', labelKey: 'trace.columns.inputTokens', isNumber: true, text: trace => formatCount(trace.inputTokens), initially: true },
  { name: 'outputTokens', labelKey: 'trace.columns.outputTokens', isNumber: true, text: trace => formatCount(trace.outputTokens), initially: true },
  { name: 'firstByte', labelKey: 'trace.columns.firstByte', isNumber: true, text: trace => trace.ttfbMs === null ? '–' : formatDuration(trace.ttfbMs), exact: ({ ttfbMs }) => ttfbMs === null ? undefined : formatDurationExact(ttfbMs), initially: false },
  { name: 'overhead', labelKey: 'trace.columns.overhead', isNumber: true, text: trace => formatDuration(trace.gatewayOverheadMs), exact: trace => formatDurationExact(trace.gatewayOverheadMs), initially: false },
  { name: 'latency', labelKey: 'trace.columns.latency', isNumber: true, text: trace => formatDuration(trace.latencyMs), exact: trace => formatDurationExact(trace.latencyMs), initially: true }
]
