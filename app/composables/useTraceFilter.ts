/** What traces are filtered by, by the names the address and the API use. */
export const traceFilterNames = ['last', 'from', 'to', 'model', 'provider', 'status', 'apiKeyId', 'projectId', 'userId', 'conversationId', 'minLatencyMs', 'minCostUsd', 'tag', 'text'] as const
export type TraceFilterName = typeof traceFilterNames[number]
export type TraceFilterValues = Partial<Record<TraceFilterName, string>>

const HOUR_MS = 3_600_000
/** Times that go with the clock, so that a shared address means the same tomorrow. */
export const traceTimes = { '1h': HOUR_MS, '24h': 24 * HOUR_MS, '7d': 168 * HOUR_MS, '30d': 720 * HOUR_MS } as const

/** The filter of the page: it stands in the address, so that it outlives a reload, can be shared, and comes back with the back button. */
export function useTraceFilter() {
  const route = useRoute()
  const router = useRouter()
  const values = computed<TraceFilterValues>(() => {
    const known = traceFilterNames.flatMap((name) => {
      const value = route.query[name]
      return typeof value === 'string' && value !== '' ? [[name, value] as const] : []
    })
    return Object.fromEntries(known)
  })

  function set(changes: TraceFilterValues) {
    const cleared = Object.fromEntries(Object.entries(changes).map(([name, value]) => [name, value || undefined]))
    void router.replace({ query: { ...route.query, ...cleared, trace: undefined } })
  }

  function replace(query: TraceFilterValues) {
    void router.replace({ query: { ...query } })
  }

  return { values, set, replace }
}

/** As the API takes it, at this moment. */
export function toTraceQuery({ last, text: _, ...rest }: TraceFilterValues, now = Date.now()): Record<string, string | undefined> {
  const span = Object.entries(traceTimes).find(([name]) => name === last)?.[1]
  return { ...rest, from: rest.from ?? (span === undefined ? undefined : new Date(now - span).toISOString()) }
}
