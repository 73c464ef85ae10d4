import type { KeyStatus } from '#shared/keys'
import { KeyPage } from '#shared/keys'
import { useApi } from '~/composables/useApi'
import { useCursorPages } from '~/composables/useCursorPages'

/** The org's API keys that match, newest first, page after page. */
export function useKeys(search: Ref<string>, status: Ref<KeyStatus | undefined>) {
  const { t } = useI18n()
  const api = useApi()
  const pages = useCursorPages('keys', t('common.things.keys'), async (cursor) => {
    const { keys, nextCursor } = await api(KeyPage, '/api/keys', { query: { search: search.value || undefined, status: status.value, cursor } })
    return { items: keys, nextCursor }
  })
  watch([search, status], () => pages.restart())
  return pages
}
