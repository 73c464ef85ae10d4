import { useSession } from '~/composables/useSession'

/** What is being written in place of a conversation's messages, and of the comments on its answers, by their ids: kept in this browser until it is sent or left. */
export function useEdits(conversationId: string) {
  const session = useSession()
  // Of whoever opened the page, even after their session has ended.
  const prefix = `loom:edit:${session.value?.user?.id ?? 'nobody'}:${conversationId}:`
  const edits = reactive(new Map<string, string>())
  onMounted(() => {
    for (const [key, text] of Object.entries(localStorage)) if (key.startsWith(prefix)) edits.set(key.slice(prefix.length), text)
  })

  return {
    get: (messageId: string): string | undefined => edits.get(messageId),
    set: (messageId: string, text: string) => {
      edits.set(messageId, text)
      localStorage.setItem(prefix + messageId, text)
    },
    delete: (messageId: string) => {
      edits.delete(messageId)
      localStorage.removeItem(prefix + messageId)
    }
  }
}
