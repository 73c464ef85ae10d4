import type { ConversationChange } from '#shared/conversation-changes'
import type { Conversation } from '#shared/conversations'
import { useConversationList } from '~/composables/useConversationList'
import { useUnread } from '~/composables/useUnread'
import { toApiError } from '~/utils/api-error'
import { openChatStream } from '~/utils/open-chat-stream'
import { pageId } from '~/utils/page-id'
import { readServerEvents } from '~/utils/read-server-events'
import { whenOnline } from '~/utils/when-online'
import { useDocumentVisibility, useEventBus } from '@vueuse/core'

const RETRY_MIN_MS = 1_000
const RETRY_MAX_MS = 30_000

const loadContract = async () => (await import('#shared/conversation-changes')).ConversationChange

/** Conversations of the project on the screen as they are now, each time the server tells. To be listened to once the page has come alive. */
export const useConversationNews = () => useEventBus<Conversation>('loom:conversation')

/**
 * Keeps the lists of a project as they are on the server, whoever changes them and wherever. Only while the page is looked at: a
 * browser has few connections to a server, and hidden pages would take them all.
 */
export function useConversationFeed(projectId: () => string | undefined) {
  const { t } = useI18n()
  const list = useConversationList(projectId, { immediate: false })
  const archived = useConversationList(projectId, { archived: true, immediate: false })
  const news = useConversationNews()
  const { takeSeen } = useUnread()
  const visibility = useDocumentVisibility()
  const listed = () => list.data.value?.conversations ?? []

  function apply(change: ConversationChange) {
    if (change.type === 'seen') return takeSeen({ [change.conversationId]: change.seenAt })
    if (change.type === 'gone') return [list, archived].forEach(one => one.remove(change.conversationId))
    const { conversation } = change
    if (listed().some(({ id, lastActiveAt }) => id === conversation.id && lastActiveAt > conversation.lastActiveAt)) return
    for (const one of [list, archived]) one.put(conversation)
    news.emit(conversation)
  }

  /** Opened from the newest that is known, so that nothing is missed between the reading of the list and this. */
  function open(id: string, signal: AbortSignal) {
    const newest = listed().map(({ lastActiveAt }) => lastActiveAt).sort().at(-1)
    return openChatStream(`/api/projects/${id}/changes?page=${pageId()}${newest ? `&since=${newest}` : ''}`, { method: 'GET', signal }, t)
  }

  /** @param stale the list may have changed in more than its newest conversations since it was read */
  async function follow(id: string, signal: AbortSignal, stale: boolean) {
    for (let delayMs = RETRY_MIN_MS; !signal.aborted; delayMs = Math.min(delayMs * 2, RETRY_MAX_MS)) {
      await whenOnline(signal)
      try {
        const body = await open(id, signal)
        if (stale) await refreshNuxtData(`conversations:${id}`)
        stale = false
        delayMs = RETRY_MIN_MS
        if (body) for await (const { event } of readServerEvents(body, loadContract)) apply(event)
        stale = true
      } catch (error) {
        const { status } = toApiError(error, t)
        if (signal.aborted || (status >= 400 && status < 500)) return
        console.warn('Changes of conversations are not told for a while', error)
        stale = true
      }
      await new Promise(resolve => setTimeout(resolve, delayMs))
    }
  }

  onMounted(() => {
    watch([projectId, visibility], ([id, visible], [before], onCleanup) => {
      if (!id || visible !== 'visible') return
      const controller = new AbortController()
      onCleanup(() => controller.abort())
      void follow(id, controller.signal, before === id)
    }, { immediate: true })
  })
}
