import type { ConversationSettings } from '#shared/conversations'
import { useSession } from '~/composables/useSession'

const unset = (): ConversationSettings => ({ systemPrompt: '', parameters: {} })

/** The settings chosen for a conversation that is yet to be made, kept in this browser until it is. */
export function useDraftSettings(place: string) {
  const session = useSession()
  const key = `loom:draft-settings:${session.value?.user?.id ?? 'nobody'}:${place}`
  const settings = shallowRef(unset())
  onMounted(async () => {
    const stored = localStorage.getItem(key)
    if (stored !== null) settings.value = await readSettings(stored)
  })

  return {
    settings: shallowReadonly(settings),
    save: (changed: Partial<ConversationSettings>) => {
      settings.value = { ...settings.value, ...changed }
      localStorage.setItem(key, JSON.stringify(settings.value))
    },
    forget: () => localStorage.removeItem(key)
  }
}

async function readSettings(stored: string): Promise<ConversationSettings> {
  const { ConversationSettings } = await import('#shared/conversations')
  try {
    return ConversationSettings.parse(JSON.parse(stored))
  } catch (error) {
    console.warn('The settings of a draft in this browser could not be read', error)
    return unset()
  }
}
