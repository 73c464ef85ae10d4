import type { Conversation, ConversationSettings } from '#shared/conversations'
import { useApi } from '~/composables/useApi'
import { useConversationList } from '~/composables/useConversationList'
import type { OutgoingMessage } from '~/composables/useThread'
import { useNotify } from '~/composables/useNotify'
import { useQueue } from '~/composables/useQueue'
import { until } from '@vueuse/core'

/** A conversation that was just made, with the message that goes into it as soon as its page stands. */
export interface Opening { conversation: Conversation, message: OutgoingMessage }

export const useOpening = () => useState<Opening | undefined>('opening', () => undefined)

/** The page of a conversation that has begun and what reads its answer, which an empty chat does without. */
const loadThread = () => Promise.all([import('~/components/conversation/ConversationView.vue'), import('#shared/chat-events')])

/**
 * Makes a conversation for a first message and goes there; the page sends it.
 * @param composer gets a message back that no conversation could be made for
 */
export function useStartConversation(projectId: string, composer: Readonly<Ref<{ restore: (message: OutgoingMessage) => void } | null>>) {
  const { t } = useI18n()
  const api = useApi()
  const notify = useNotify()
  const opening = useOpening()
  const list = useConversationList(projectId)
  const queue = useQueue(`new-${projectId}`)
  const busy = ref(false)
  onMounted(() => void queue.claim(({ sending }) => {
    // Who only reads by now has nowhere to write.
    if (!composer.value) return false
    if (sending) composer.value.restore(sending)
    return true
  }))

  /** False when the conversation could not be made. */
  async function start(message: OutgoingMessage, settings?: ConversationSettings): Promise<boolean> {
    busy.value = true
    queue.keep(message)
    try {
      // Before anything is made: without it, nobody would see the answer.
      await loadThread()
      const conversation = await api(import('#shared/conversations').then(({ Conversation }) => Conversation), `/api/projects/${projectId}/conversations`, { method: 'POST', body: { model: message.model, ...settings } })
      opening.value = { conversation, message }
      list.put(conversation)
      await navigateTo(`/projects/${projectId}/c/${conversation.id}`)
      const forget = queue.leaveAt(conversation.id)
      // Another may have taken its place instead, where its page was left before it stood.
      void until(() => opening.value?.conversation.id).not.toBe(conversation.id).then(id => id === undefined && forget())
      return true
    } catch (error) {
      notify.failed(t('conversation.start.theConversationWasNotStarted'), error)
      composer.value?.restore(message)
      return false
    } finally {
      queue.keep(undefined)
      busy.value = false
    }
  }

  /** Fetches what the answer needs while the question is still being written. */
  const prepare = () => void loadThread().catch((error: unknown) => console.warn('The thread was not loaded ahead', error))

  return { start, prepare, busy }
}
