import { useNotify } from '~/composables/useNotify'

interface Page<Item> { items: Item[], nextCursor: string | null }

/** A list that is read page after page: the first with the page, the others on demand. Read anew, it is as long as it was. */
export function useCursorPages<Item>(key: string, what: string, fetchPage: (cursor?: string) => Promise<Page<Item>>) {
  const { t } = useI18n()
  const notify = useNotify()
  let least = 0
  const { data, status, error, refresh } = useAsyncData(key, () => fetchPages())
  const loadingMore = ref(false)

  async function fetchPages(): Promise<Page<Item>> {
    let { items, nextCursor } = await fetchPage()
    while (nextCursor && items.length < least) {
      const next = await fetchPage(nextCursor)
      items = [...items, ...next.items]
      nextCursor = next.nextCursor
    }
    return { items, nextCursor }
  }

  async function loadMore() {
    const loaded = data.value
    if (!loaded?.nextCursor) return
    loadingMore.value = true
    try {
      const next = await fetchPage(loaded.nextCursor)
      // Unless all was read anew meanwhile.
      if (data.value !== loaded) return
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
