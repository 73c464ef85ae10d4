import type { OutgoingMessage } from '~/composables/useThread'
import { useSession } from '~/composables/useSession'
import { makeId } from '~/utils/make-id'
import type { WaitingMessages } from '~/utils/waiting-messages'
import { whileLocked } from '~/utils/while-locked'

/** Within this time, a tab that reloads lets go of its queue. */
const CLAIM_MS = 500

/**
 * The messages of one place on their way from this tab: the one being sent, and those that wait for the answer before it, oldest first. Kept in
 * this browser, so that a reload loses none, under a lock that the tab holds as long as it lives, so that no other tab takes them meanwhile.
 */
export function useQueue(place: string) {
  const session = useSession()
  const prefixOf = (other: string) => `loom:queue:${session.value?.user?.id ?? 'nobody'}:${other}:`
  const prefix = prefixOf(place)
  const key = `${prefix}${makeId()}`
  const waiting = shallowRef<OutgoingMessage[]>([])
  let sending: OutgoingMessage | undefined
  let refused: OutgoingMessage | undefined
  const left = new Promise<void>(resolve => onScopeDispose(resolve))
  onMounted(() => void whileLocked(key, () => left, { waitMs: 0 }))

  function set(messages: OutgoingMessage[]) {
    waiting.value = messages
    const kept = refused ? [refused, ...messages] : messages
    if (sending || kept.length > 0) localStorage.setItem(key, JSON.stringify({ sending, waiting: kept } satisfies WaitingMessages))
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
    /** All that wait, out of the queue. */
    takeAll: (): OutgoingMessage[] => {
      const taken = waiting.value
      set([])
      return taken
    },
    /** Keeps a message that has not arrived: on its way, or `isRefused` and ahead of those that wait. Undefined when it has, or was taken back. */
    keep: (message: OutgoingMessage | undefined, { isRefused = false } = {}) => {
      sending = isRefused ? undefined : message
      refused = isRefused ? message : undefined
      set(waiting.value)
    },
    /**
     * Leaves the message on its way to the page of another place, which is about to send it: should this tab reload before, that page claims it.
     * What comes back is to be called once it is sent.
     */
    leaveAt: (other: string): () => void => {
      const there = prefixOf(other) + makeId()
      localStorage.setItem(there, JSON.stringify({ sending, waiting: [] } satisfies WaitingMessages))
      sending = undefined
      set(waiting.value)
      return () => localStorage.removeItem(there)
    },
    /** Hands over what tabs have left here that are gone, this one before a reload among them; what is not taken stays. */
    claim: async (take: (kept: WaitingMessages) => boolean) => {
      const others = Object.keys(localStorage).filter(name => name.startsWith(prefix) && name !== key)
      await Promise.all(others.map(other => whileLocked(other, async () => {
        const kept = await readKept(localStorage.getItem(other))
        if (!kept || take(kept)) localStorage.removeItem(other)
      }, { waitMs: CLAIM_MS })))
    }
  }
}

async function readKept(stored: string | null): Promise<WaitingMessages | undefined> {
  if (stored === null) return undefined
  const { WaitingMessages } = await import('~/utils/waiting-messages')
  try {
    return WaitingMessages.parse(JSON.parse(stored))
  } catch (error) {
    console.warn('The queue of messages in this browser could not be read', error)
    return undefined
  }
}
