import { useEventListener } from '@vueuse/core'
import { useEdits } from '~/composables/useEdits'
import { useQueue } from '~/composables/useQueue'
import { useSignOutLocally } from '~/composables/useSession'
import type { OutgoingMessage, Thread } from '~/composables/useThread'
import type { WaitingMessages } from '~/utils/waiting-messages'

/**
 * The messages of a conversation on their way: one after the other, each once, over reloads and lost networks. What is not sent after all goes back to
 * where it was written: to the message it was to stand in place of, else to the composer.
 */
export function useSending(conversationId: string, thread: Thread, composer: Readonly<Ref<{ restore: (message: OutgoingMessage) => void } | null>>) {
  const { shown, outgoing, failure, busy } = thread
  const queue = useQueue(conversationId)
  const edits = useEdits(conversationId)
  const signOutLocally = useSignOutLocally()

  function send(message: OutgoingMessage) {
    if (busy.value) return queue.add(message)
    const endId = beforeAsking()
    void thread.send(message.parentId === undefined ? { ...message, parentId: endId } : message)
  }

  /** Before something else is asked for: what was refused is given back, and what is looked at is what the page shows. Its end, where something was. */
  function beforeAsking(): string | undefined {
    if (failure.value && outgoing.value) edit(outgoing.value)
    return thread.stay()
  }

  /** Takes back what did not arrive. */
  function edit(message: OutgoingMessage) {
    thread.discard()
    giveBack([message])
  }

  /** Takes back what waits. */
  function takeBack(message: OutgoingMessage) {
    queue.remove(message)
    giveBack([message])
  }

  function giveBack(messages: readonly OutgoingMessage[]) {
    for (const message of messages.toReversed()) {
      const replaced = message.parentId === undefined ? undefined : shown.value.find(({ role, parentId }) => role === 'user' && parentId === message.parentId)
      if (replaced) edits.set(replaced.id, message.text)
      else composer.value?.restore(message)
    }
  }

  watch(busy, (isBusy) => {
    if (isBusy || queue.waiting.value.length === 0) return
    // After an answer that did not come to its end, what waited may not be what is wanted any more.
    if (failure.value || thread.newest.value?.status !== 'complete') return giveBack(queue.takeAll())
    const next = queue.shift()
    if (next) void thread.send(next)
  })

  /** What was on its way when a tab went may have arrived: it is sent once more, and stored once. What waited may not be what is wanted any more. */
  function takeOver({ sending, waiting }: WaitingMessages): boolean {
    // Who only reads by now has nowhere to write.
    if (!composer.value) return false
    giveBack(waiting)
    if (sending && busy.value) queue.add(sending)
    else if (sending) void thread.resend(sending)
    return true
  }

  // What has not arrived outlives a reload, and goes out by itself when the network is back.
  watch([outgoing, failure], ([message, error]) => queue.keep(message, { isRefused: error !== undefined && error.status !== 0 }), { flush: 'sync' })
  useEventListener('online', () => {
    if (failure.value?.status === 0 && outgoing.value) void thread.resend(outgoing.value)
  })

  // The session has ended: what was written waits as a draft until they are back.
  watch(failure, (error) => {
    if (error?.status !== 401) return
    if (outgoing.value) edit(outgoing.value)
    void signOutLocally()
  })

  return { waiting: queue.waiting, edits, send, beforeAsking, edit, takeBack, claimUnsent: () => queue.claim(takeOver) }
}
