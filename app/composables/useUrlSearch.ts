import { refDebounced } from '@vueuse/core'
import { usePatchQuery } from '~/composables/usePatchQuery'

/** A search field whose text stands in the address as `?search=`, a moment after it was typed. */
export function useUrlSearch() {
  const route = useRoute()
  const text = ref(typeof route.query.search === 'string' ? route.query.search : '')
  const search = refDebounced(text, 250)
  const patchQuery = usePatchQuery()
  watch(search, search => patchQuery({ search: search || undefined }))
  return { text, search }
}
