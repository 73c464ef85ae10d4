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

  /** Puts what has come since on top; where that is more than a page, begins anew. */
  async function loadNewest() {
    const loaded = data.value
    if (!loaded || filter.value.text) return
    const { items } = await api(TracePage, '/api/traces', { query: { ...toTraceQuery(filter.value), limit: NEWEST } })
    if (data.value !== loaded) return
    const known = new Set(loaded.items.map(({ id }) => id))
    const fresh = items.filter(({ id }) => !known.has(id))
    if (fresh.length === 0) return
    if (fresh.length === NEWEST) return refresh()
    data.value = { ...loaded, items: [...fresh, ...loaded.items] }
  }

  return {
    items: computed(() => data.value?.items ?? []),
    hasMore: computed(() => data.value?.nextCursor != null),
    searched: computed(() => data.value?.searched ?? 0),
    searchedTo: computed(() => data.value?.searchedTo ?? null),
    pending: computed(() => status.value === 'pending' && !data.value),
    error, refresh, loadMore, loadNewest, loadingMore
  }
}
