import type { TraceSummary } from '#shared/traces'
import { TracePage, TraceSearchPage } from '#shared/traces'
import { useApi } from '~/composables/useApi'
import { useNotify } from '~/composables/useNotify'
import type { TraceFilterValues } from '~/composables/useTraceFilter'
import { toTraceQuery } from '~/composables/useTraceFilter'

const PAGE = 100
const NEWEST = 50

interface Loaded { items: TraceSummary[], nextCursor: string | null, searched: number, searchedTo: string | null }

/** The traces of a filter, page after page, the newest first; with text, what was found in their bodies so far. */
export function useTraceList(filter: Ref<TraceFilterValues>) {
  const { t } = useI18n()
  const api = useApi()
  const notify = useNotify()
  const loadingMore = ref(false)

  async function fetchPage(cursor?: string): Promise<Loaded> {
    const query = { ...toTraceQuery(filter.value), cursor }
    const { text } = filter.value
    if (text) return api(TraceSearchPage, '/api/traces/search', { query: { ...query, text } })
    return { ...await api(TracePage, '/api/traces', { query: { ...query, limit: PAGE } }), searched: 0, searchedTo: null }
  }

  const { data, status, error, refresh } = useAsyncData(computed(() => `traces:${JSON.stringify(filter.value)}`), () => fetchPage(), { deep: false })

  async function loadMore() {
    const loaded = data.value
    if (!loaded?.nextCursor || loadingMore.value) return
    loadingMore.value = true
    try {
      const next = await fetchPage(loaded.nextCursor)
      // Another filter may have been chosen meanwhile.
      if (data.value === loaded) data.value = { ...next, items: [...loaded.items, ...next.items], searched: loaded.searched + next.searched, searchedTo: next.searchedTo ?? loaded.searchedTo }
    } catch (thrown) {
      notify.failed(t('trace.list.moreTracesCouldNotBeLoaded'), thrown)
    } finally {
      loadingMore.value = false
    }
  }

  /** What was loaded when more had come above it than are put on top at once. */
  const cutOff = shallowRef<Loaded>()

  /** Puts what has come since on top. Where that is more than a page the list begins anew, if it may: whoever reads in it loses their place. */
  async function loadNewest(mayBeginAnew: boolean) {
    const loaded = data.value
    if (!loaded || filter.value.text) return
    const { items } = await api(TracePage, '/api/traces', { query: { ...toTraceQuery(filter.value), limit: NEWEST } })
    if (data.value !== loaded) return
    const known = new Set(loaded.items.map(({ id }) => id))
    const fresh = items.filter(({ id }) => !known.has(id))
    if (fresh.length === 0) return
    if (fresh.length === NEWEST && mayBeginAnew) return refresh()
    if (fresh.length === NEWEST) cutOff.value = loaded
    else data.value = { ...loaded, items: [...fresh, ...loaded.items] }
  }

  return {
    items: computed(() => data.value?.items ?? []),
    hasMore: computed(() => data.value?.nextCursor != null),
    searched: computed(() => data.value?.searched ?? 0),
    searchedTo: computed(() => data.value?.searchedTo ?? null),
    /** Whether newer calls are left out until the list begins anew. */
    isCutOff: computed(() => cutOff.value !== undefined && data.value === cutOff.value),
    pending: computed(() => status.value === 'pending' && !data.value),
    error, refresh, loadMore, loadNewest, loadingMore
  }
}
