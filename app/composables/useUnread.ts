import type { Conversation } from '#shared/conversations'
import { createSharedComposable, useLocalStorage, useMounted } from '@vueuse/core'

/** More than anyone has open; the oldest are forgotten. */
const KEPT = 500

const useSeen = createSharedComposable(() => useLocalStorage<Record<string, string>>('loom:seen', {}))

/** Which conversations have gone on since they were last looked at in this browser. One that was never opened here is not unread. */
export function useUnread() {
  // The server knows nothing of this browser: nothing is unread until the page has come alive.
  const mounted = useMounted()
  const seen = import.meta.client ? useSeen() : ref<Record<string, string>>({})
  return {
    isUnread: ({ id, lastActiveAt, runningMessageId }: Conversation) => {
      const at = seen.value[id]
      return mounted.value && at !== undefined && runningMessageId === null && lastActiveAt > at
    },
    markSeen: ({ id, lastActiveAt }: Conversation) => {
      if (seen.value[id] === lastActiveAt) return
      const others = Object.entries(seen.value).filter(([other]) => other !== id)
      seen.value = Object.fromEntries([...others.slice(-KEPT), [id, lastActiveAt]])
    }
  }
}
