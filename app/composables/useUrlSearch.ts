import { refDebounced } from '@vueuse/core'

/** A search field whose text stands in the address as `?search=`, a moment after it was typed. */
export function useUrlSearch() {
  const route = useRoute()
  const text = ref(typeof route.query.search === 'string' ? route.query.search : '')
  const search = refDebounced(text, 250)
  watch(search, search => navigateTo({ query: { ...route.query, search: search || undefined } }, { replace: true }))
  return { text, search }
}
