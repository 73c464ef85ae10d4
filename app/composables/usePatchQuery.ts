import type { LocationQueryRaw } from 'vue-router'

/** What was asked for and has not arrived in the address yet. */
let waiting: LocationQueryRaw = {}

/** Changes a part of the address' query, in place. Of two changes at once both hold: the second navigation ends the first before its part is there. */
export function usePatchQuery() {
  const route = useRoute()
  return async (change: LocationQueryRaw) => {
    const asked = waiting = { ...waiting, ...change }
    await navigateTo({ query: { ...route.query, ...asked } }, { replace: true })
    if (waiting === asked) waiting = {}
  }
}
