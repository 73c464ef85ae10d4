import type { AnalyticsGroup, AnalyticsWindow } from '#shared/analytics'
import { AnalyticsSummary, Timeseries } from '#shared/analytics'
import { useApi } from '~/composables/useApi'

interface Span { window: Ref<AnalyticsWindow>, timeZone: Ref<string | undefined> }

/** What the org's calls add up to, beside the period before. */
export function useAnalyticsSummary({ window, timeZone }: Span) {
  const api = useApi()
  const { data, error, refresh } = useAsyncData(computed(() => `analytics:summary:${window.value}:${timeZone.value}`), () =>
    api(AnalyticsSummary, '/api/analytics/summary', { query: { window: window.value, timeZone: timeZone.value } }))
  return { data: keepLast(data), error, refresh }
}

interface Grouping {
  groupBy: Ref<AnalyticsGroup>
  groups: number
  /** Whether percentiles of each group are wanted, which take longest. */
  percentiles: Ref<boolean>
}

/** The same over time, by group when one is named. */
export function useTimeseries({ window, timeZone }: Span, by?: Grouping) {
  const api = useApi()
  const query = computed(() => ({ window: window.value, timeZone: timeZone.value, groupBy: by?.groupBy.value, groups: by?.groups, percentiles: by?.percentiles.value === false ? 'no' : 'yes' }))
  const { data, error, refresh } = useAsyncData(computed(() => `analytics:series:${JSON.stringify(query.value)}`), () => api(Timeseries, '/api/analytics/timeseries', { query: query.value }), { deep: false })
  return { data: keepLast(data), error, refresh }
}

/** What was there stays until its successor is: a page that empties at each choice cannot be read. */
function keepLast<Value>(data: Ref<Value | undefined>) {
  let last: Value | undefined
  return computed(() => last = data.value ?? last)
}
