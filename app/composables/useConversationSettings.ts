import type { Conversation } from '#shared/conversations'
import { useApi } from '~/composables/useApi'
import { toApiError } from '~/utils/api-error'
import type { SaveSettings } from '~/utils/versioned-settings'

/** Keeps the prompt and the parameters of a conversation. */
export function useConversationSettings(conversation: Ref<Conversation>) {
  const { t } = useI18n()
  const api = useApi()

  const saveSettings: SaveSettings = async (changed, version) => {
    const [contract, path] = [import('#shared/conversations').then(({ Conversation }) => Conversation), `/api/conversations/${conversation.value.id}`]
    try {
      conversation.value = await api(contract, path, { method: 'PATCH', body: changed, version })
    } catch (error) {
      // What somebody else has made of them is theirs to take.
      if (toApiError(error, t).code === 'conflict') conversation.value = await api(contract, path)
      throw error
    }
  }
  return { saveSettings }
}
