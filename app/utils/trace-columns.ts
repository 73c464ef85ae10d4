import type { TraceSummary } from '#shared/traces'
import { formatExactly } from '~/utils/format-moment'
import { formatCount, formatDuration } from '~/utils/format-number'

/** A column of the trace table beside time, status and cost, which have looks of their own. */
export interface TraceColumn {
  name: string
  label: string
  isNumber?: boolean
  text: (trace: TraceSummary, nameOf: NameOf) => string
  initially: boolean
}

/** What people call a project, key or user; undefined where nobody knows. */
export type NameOf = (kind: 'project' | 'key' | 'user', id: string) => string | undefined

const named = (nameOf: NameOf, kind: 'project' | 'key' | 'user', id: string | null) => id === null ? '–' : nameOf(kind, id) ?? id.slice(0, 8)

export const traceColumns: readonly TraceColumn[] = [
  { name: 'exactTime', label: 'Exact time', text: trace => formatExactly(new Date(trace.createdAt)), initially: false },
  { name: 'model', label: 'Model', text: trace => trace.model, initially: true },
  { name: 'requestedModel', label: 'Asked for', text: trace => trace.requestedModel, initially: false },
  { name: 'provider', label: 'Provider', text: trace => trace.provider, initially: true },
  { name: 'endpoint', label: 'Endpoint', text: trace => trace.endpoint, initially: false },
  { name: 'source', label: 'Source', text: trace => trace.conversationId ? 'Chat' : trace.apiKeyId ? 'API key' : 'App', initially: true },
  { name: 'cache', label: 'Cache', text: trace => trace.cache, initially: false },
  { name: 'stream', label: 'Streamed', text: trace => trace.isStream ? 'yes' : 'no', initially: false },
  { name: 'project', label: 'Project', text: (trace, nameOf) => named(nameOf, 'project', trace.projectId), initially: false },
  { name: 'key', label: 'Key', text: (trace, nameOf) => named(nameOf, 'key', trace.apiKeyId), initially: false },
  { name: 'user', label: 'User', text: (trace, nameOf) => named(nameOf, 'user', trace.userId), initially: false },
  { name: 'tags', label: 'Tags', text: trace => Object.entries(trace.tags).map(([name, value]) => `${name}=${value}`).join(', ') || '–', initially: false },
  { name: 'inputTokens', label: 'Tokens in', isNumber: true, text: trace => formatCount(trace.inputTokens), initially: true },
  { name: 'outputTokens', label: 'Tokens out', isNumber: true, text: trace => formatCount(trace.outputTokens), initially: true },
  { name: 'firstByte', label: 'First byte', isNumber: true, text: trace => trace.ttfbMs === null ? '–' : formatDuration(trace.ttfbMs), initially: false },
  { name: 'overhead', label: 'Overhead', isNumber: true, text: trace => formatDuration(trace.gatewayOverheadMs), initially: false },
  { name: 'latency', label: 'Latency', isNumber: true, text: trace => formatDuration(trace.latencyMs), initially: true }
]
