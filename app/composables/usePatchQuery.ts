import type { LocationQueryRaw } from 'vue-router'
import { patchQueryOf } from '~/utils/patch-query'

/** Of the browser's one router. On the server nothing is changed. */
let patchQuery: ReturnType<typeof patchQueryOf> | undefined

/** Changes a part of the query of the page it is used on, in place, whatever else is under way. */
export function usePatchQuery() {
  const route = useRoute()
  if (import.meta.client) patchQuery ??= patchQueryOf(useRouter())
  return (change: LocationQueryRaw) => void patchQuery?.(route.path, change)
}
