import type { Conversation } from '#shared/conversations'
import { useApi } from '~/composables/useApi'
import { useNotify } from '~/composables/useNotify'
import { useSharedData } from '~/composables/useSharedData'
import { useUnread } from '~/composables/useUnread'

/** The conversations of a project, newest page first, shared by the sidebar and the project's page; the archived ones by themselves. */
export function useConversationList(projectId: MaybeRefOrGetter<string | undefined>, { archived = false, immediate = true } = {}) {
  const { t } = useI18n()
  const api = useApi()
  const notify = useNotify()
  const { takeSeen } = useUnread()

  async function fetchPage(id: string, cursor?: string) {
    const { seen, ...page } = await api(import('#shared/conversations').then(({ ConversationPage }) => ConversationPage), `/api/projects/${id}/conversations`, { query: { archived, cursor } })
    takeSeen(seen)
    return page
  }

  const state = useSharedData(
    computed(() => `${archived ? 'archived' : 'conversations'}:${toValue(projectId) ?? 'none'}`),
    async () => {
      const id = toValue(projectId)
      return id ? fetchPage(id) : { conversations: [], nextCursor: null }
    },
    { immediate }
  )
  const loadingMore = ref(false)

  async function loadMore() {
    const [id, loaded] = [toValue(projectId), state.data.value]
    if (!id || !loaded?.nextCursor || loadingMore.value) return
    loadingMore.value = true
    try {
      const page = await fetchPage(id, loaded.nextCursor)
      const known = new Set(loaded.conversations.map(conversation => conversation.id))
      state.data.value = { conversations: [...loaded.conversations, ...page.conversations.filter(conversation => !known.has(conversation.id))], nextCursor: page.nextCursor }
    } catch (error) {
      notify.failed(t('conversation.list.moreConversationsCouldNotBeLoaded'), error)
    } finally {
      loadingMore.value = false
    }
  }

  /** Shows a conversation as it now is, at its new place: none where it does not belong any more. */
  function put(conversation: Conversation) {
    if (!state.data.value) return
    const others = state.data.value.conversations.filter(({ id }) => id !== conversation.id)
    const belongs = conversation.projectId === toValue(projectId) && (conversation.archivedAt !== null) === archived
    state.data.value = { ...state.data.value, conversations: belongs ? [conversation, ...others].sort(byPlace) : others }
  }

  function remove(id: string) {
    if (!state.data.value) return
    state.data.value = { ...state.data.value, conversations: state.data.value.conversations.filter(conversation => conversation.id !== id) }
  }

  return { ...state, state, loadMore, put, remove }
}

/** As the server lists them: pinned ones first, then the most recently active. */
function byPlace(one: Conversation, other: Conversation): number {
  return Number(other.pinned) - Number(one.pinned) || other.lastActiveAt.localeCompare(one.lastActiveAt)
}
