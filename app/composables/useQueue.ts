import type { AttachedFile } from '~/utils/attached-file'
import type { OutgoingMessage } from '~/composables/useThread'
import { useSession } from '~/composables/useSession'

/**
 * Messages written while an answer was on its way, oldest first; they go out one by one when it is whole. Kept in this browser, so
 * that a reload loses none.
 */
export function useQueue(conversationId: string) {
  const session = useSession()
  const key = `loom:queue:${session.value?.user?.id ?? 'nobody'}:${conversationId}`
  const waiting = shallowRef<OutgoingMessage[]>([])
  let unsent: OutgoingMessage | undefined

  function set(messages: OutgoingMessage[]) {
    waiting.value = messages
    const kept = unsent ? [unsent, ...messages] : messages
    if (kept.length > 0) localStorage.setItem(key, JSON.stringify(kept))
    else localStorage.removeItem(key)
  }

  return {
    waiting: shallowReadonly(waiting),
    add: (message: OutgoingMessage) => set([...waiting.value, message]),
    /** The oldest, out of the queue. */
    shift: (): OutgoingMessage | undefined => {
      const [first, ...others] = waiting.value
      set(others)
      return first
    },
    remove: (message: OutgoingMessage) => set(waiting.value.filter(other => other !== message)),
    /** Keeps a message that did not reach the server, ahead of those that wait; undefined when it has, or was taken back. */
    keep: (message: OutgoingMessage | undefined) => {
      unsent = message
      set(waiting.value)
    },
    /** All of their words and files, out of the queue: what a reload had left behind too. */
    takeAll: async (): Promise<{ text: string, files: AttachedFile[] }> => {
      const kept = waiting.value.length > 0 ? waiting.value : await readQueue(localStorage.getItem(key))
      // What was added while those of before the reload were read goes its own way.
      if (waiting.value.length === 0 || kept === waiting.value) set([])
      return { text: kept.map(({ text }) => text).filter(Boolean).join('\n\n'), files: kept.flatMap(({ files = [] }) => files) }
    }
  }
}

async function readQueue(stored: string | null): Promise<OutgoingMessage[]> {
  if (stored === null) return []
  const { WaitingMessages } = await import('~/utils/waiting-messages')
  try {
    return WaitingMessages.parse(JSON.parse(stored)).map(({ model, ...message }) => ({ ...message, model }))
  } catch (error) {
    console.warn('The queue of messages in this browser could not be read', error)
    return []
  }
}
