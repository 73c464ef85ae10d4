import { until } from '@vueuse/core'
import { shallowRef } from 'vue'
import { isNavigationFailure, NavigationFailureType } from 'vue-router'
import type { LocationQueryRaw, RouteLocation, Router } from 'vue-router'
import { oneAfterAnother } from './one-after-another'

/**
 * Gives what changes a part of the query of a page, in place. Each change begins where whatever leads elsewhere or changes the query, too, has ended, and is made again where
 * such a thing came between: all of them hold. Whoever has gone to another page stays there.
 */
export function patchQueryOf(router: Router) {
  const inTurn = oneAfterAnother()
  const underWay = shallowRef<RouteLocation>()
  router.beforeEach((to) => {
    underWay.value = to
  })
  // One that gave way to another ends, too.
  const end = (to: RouteLocation) => {
    if (underWay.value === to) underWay.value = undefined
  }
  router.afterEach(end)
  router.onError((_, to) => end(to))

  return (path: string, change: LocationQueryRaw): Promise<void> => inTurn(async () => {
    for (;;) {
      await until(underWay).toBe(undefined)
      const { path: current, query } = router.currentRoute.value
      if (current !== path) return
      const failure = await router.replace({ query: { ...query, ...change } })
      if (!isNavigationFailure(failure, NavigationFailureType.cancelled)) return
    }
  })
}
