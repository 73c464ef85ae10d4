import type { AnalyticsGroup, AnalyticsWindow } from '#shared/analytics'
import { analyticsGroups, analyticsWindows } from '#shared/analytics'
import { usePatchQuery } from '~/composables/usePatchQuery'
import type { AnalyticsMeasure } from '~/utils/analytics-figures'
import { analyticsMeasures } from '~/utils/analytics-figures'

/** What the overview shows: kept in the address, so that it can be shared, and comes back with the page. */
export function useAnalyticsView() {
  const route = useRoute()
  const patchQuery = usePatchQuery()
  const choice = <Value extends string>(name: string, values: readonly Value[], initial: Value) => computed<Value>({
    get: () => values.find(value => value === route.query[name]) ?? initial,
    set: value => void patchQuery({ [name]: value === initial ? undefined : value })
  })
  const timeZone = computed<string | undefined>({
    get: () => typeof route.query.zone === 'string' ? route.query.zone : undefined,
    set: zone => void patchQuery({ zone })
  })
  return {
    window: choice<AnalyticsWindow>('window', analyticsWindows, '30d'),
    groupBy: choice<AnalyticsGroup>('by', analyticsGroups, 'model'),
    measure: choice<AnalyticsMeasure>('show', analyticsMeasures, 'cost'),
    spenders: choice<AnalyticsGroup>('spenders', ['key', 'user', 'project'], 'key'),
    timeZone
  }
}
