import { useNotify } from '~/composables/useNotify'

interface Page<Item> { items: Item[], nextCursor: string | null }

/** A list that is read page after page: the first with the page, the others on demand. Read anew, it is as long as it was. */
export function useCursorPages<Item>(key: string, what: string, fetchPage: (cursor?: string) => Promise<Page<Item>>) {
  const { t } = useI18n()
  const notify = useNotify()
  let least = 0
  /** Counts the lists that were begun, and says which of them is there. */
  let begun = 0
  let shown = 0
  const { data, status, error, refresh } = useAsyncData(key, () => fetchPages())
  const loadingMore = ref(false)

  async function fetchPages(): Promise<Page<Item>> {
    const list = begun
    let { items, nextCursor } = await fetchPage()
    while (nextCursor && items.length < least) {
      const next = await fetchPage(nextCursor)
      items = [...items, ...next.items]
      nextCursor = next.nextCursor
    }
    // A slower answer may be of a list before.
    if (list === begun) shown = list
    return { items, nextCursor }
  }

  async function loadMore() {
    const loaded = data.value
    if (!loaded?.nextCursor || shown !== begun) return
    const list = begun
    loadingMore.value = true
    try {
      const next = await fetchPage(loaded.nextCursor)
      if (list !== begun) return
      // All was read anew meanwhile, and may end elsewhere.
      if (data.value !== loaded) return await loadMore()
      data.value = { items: [...loaded.items, ...next.items], nextCursor: next.nextCursor }
      least = data.value.items.length
    } catch (thrown) {
      notify.failed(t('common.pages.moreCouldNotBeLoaded', { what }), thrown)
    } finally {
      loadingMore.value = false
    }
  }

  /** Reads another list, from its first page. */
  function restart() {
    begun += 1
    least = 0
    return refresh()
  }

  return {
    items: computed(() => data.value?.items ?? []),
    hasMore: computed(() => data.value?.nextCursor != null),
    pending: computed(() => status.value === 'pending' && !data.value),
    error, refresh, restart, loadMore, loadingMore
  }
}
