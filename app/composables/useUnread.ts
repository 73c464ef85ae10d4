import type { Conversation, MarkSeen } from '#shared/conversations'
import { pageId } from '~/utils/page-id'

/** Which conversations have gone on since the person at the screen last looked at them, on whatever device. One they never opened is not unread. */
export function useUnread() {
  const seen = useState<Record<string, string>>('seen', () => ({}))

  /** What the server knows of it. */
  function takeSeen(times: Record<string, string>) {
    const newer = Object.entries(times).filter(([id, at]) => at > (seen.value[id] ?? ''))
    if (newer.length > 0) seen.value = { ...seen.value, ...Object.fromEntries(newer) }
  }

  return {
    takeSeen,
    isUnread: ({ id, lastActiveAt, runningMessageId }: Conversation) => {
      const at = seen.value[id]
      return at !== undefined && runningMessageId === null && lastActiveAt > at
    },
    /** To be called with what stands on the screen; an answer being written is seen at its end. */
    markSeen: async ({ id, lastActiveAt, runningMessageId }: Conversation) => {
      if (runningMessageId !== null || lastActiveAt <= (seen.value[id] ?? '')) return
      takeSeen({ [id]: lastActiveAt })
      try {
        const body: MarkSeen = { upTo: lastActiveAt, page: pageId() }
        // By hand: it happens as a conversation opens, and a contract of the empty reply would be loaded for it.
        const { ok, status } = await fetch(`/api/conversations/${id}/seen`, { method: 'PUT', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })
        if (!ok) throw new Error(`The server answered ${status}`)
      } catch (error) {
        console.warn('That the conversation was seen is known to this page alone', error)
      }
    }
  }
}
