import { MemberPage } from '#shared/identity'
import { useApi } from '~/composables/useApi'
import { useCursorPages } from '~/composables/useCursorPages'

/** The members of the org whose name or email matches, the longest-standing first, page after page. */
export function useMembers(search: Ref<string>) {
  const { t } = useI18n()
  const api = useApi()
  const pages = useCursorPages('members', t('common.things.members'), async (cursor) => {
    const { members, nextCursor } = await api(MemberPage, '/api/orgs/current/members', { query: { search: search.value || undefined, cursor } })
    return { items: members, nextCursor }
  })
  watch(search, () => pages.restart())
  return pages
}
