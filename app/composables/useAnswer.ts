import type { ChatEvent } from '#shared/chat-events'
import type { Message } from '#shared/messages'
import { applyChatEvent } from '#shared/apply-chat-event'
import { ApiError, toApiError } from '~/utils/api-error'
import { createFrameBuffer } from '~/utils/frame-buffer'
import { whenOnline } from '~/utils/when-online'
import { openChatStream } from '~/utils/open-chat-stream'
import { readServerEvents } from '~/utils/read-server-events'

const RECONNECTS = 6

type Body = ReadableStream<Uint8Array>

const loadContract = async () => (await import('#shared/chat-events')).ChatEvent

/**
 * The answer being written in one conversation. It is redrawn at most once a frame, however fast its events come, and a
 * connection that breaks is taken up again. Leaving the page leaves the answer running on the server.
 * @param onEvent sees `message`, `done` and `error`: what changes the thread around the answer
 */
export function useAnswer(conversationId: string, onEvent: (event: ChatEvent) => void) {
  const { t } = useI18n()
  const message = shallowRef<Message>()
  const running = ref(false)
  const controller = new AbortController()
  onScopeDispose(() => controller.abort())
  const frames = createFrameBuffer<Message | undefined>((latest) => {
    message.value = latest
  })

  let current: Message | undefined
  let lastId = 0

  function show(next: Message | undefined, { now }: { now: boolean }) {
    current = next
    if (!now) return frames.push(next)
    frames.cancel()
    message.value = next
  }

  /** True when the event was the answer's last. */
  function apply(event: ChatEvent): boolean {
    const last = event.type === 'done' || event.type === 'error'
    const whole = last || event.type === 'message' || event.type === 'snapshot'
    show(last ? undefined : applyChatEvent(current, event), { now: whole })
    if (last || event.type === 'message') onEvent(event)
    return last
  }

  /** True when the answer ended, false when only the connection did. */
  async function consume(body: Body): Promise<boolean> {
    try {
      for await (const { id, event } of readServerEvents(body, loadContract)) {
        lastId = id
        if (apply(event)) return true
      }
    } catch (error) {
      if (!controller.signal.aborted) console.warn('The stream of the answer broke and is taken up again', error)
    }
    return controller.signal.aborted
  }

  const open = (path: string, options: { method: 'GET' | 'POST', body?: object }) => openChatStream(path, { ...options, signal: controller.signal }, t)

  /** The stream that goes on after the last event seen; `undefined` when the answer ended meanwhile. */
  async function reconnect(): Promise<Body | undefined> {
    // Without a network, asking is in vain and may go on.
    for (let attempt = 1; ; attempt += navigator.onLine ? 1 : 0) {
      await whenOnline(controller.signal)
      try {
        return await open(`/api/conversations/${conversationId}/stream?after=${lastId}${current ? `&message=${current.id}` : ''}`, { method: 'GET' })
      } catch (thrown) {
        const error = toApiError(thrown, t)
        if (controller.signal.aborted || attempt > RECONNECTS || (error.status > 0 && error.status < 500)) throw error
        await new Promise(resolve => setTimeout(resolve, 250 * 2 ** attempt))
      }
    }
  }

  /** True when the answer's last event was seen; false when it ended unseen, so that the thread must be read again. */
  async function follow(first: Body | undefined): Promise<boolean> {
    let body = first
    for (let connections = 0; body; connections += 1) {
      if (await consume(body)) return true
      // It broke before it said which answer it is of: the thread knows.
      if (!current) return false
      if (connections > RECONNECTS) throw new ApiError(0, 'unreachable', t('chat.stream.theConnectionKeepsBreaking'))
      body = await reconnect()
    }
    return false
  }

  async function whileRunning(work: () => Promise<boolean>): Promise<boolean> {
    running.value = true
    try {
      // Before anything is asked for: an answer that cannot be read would be paid for all the same.
      await loadContract()
      return await work()
    } catch (error) {
      if (controller.signal.aborted) return true
      throw error
    } finally {
      running.value = false
      show(undefined, { now: true })
    }
  }

  return {
    message,
    running,
    /** Fetches what an answer needs, so that it is there when one is asked for. */
    prepare: () => void loadContract().catch((error: unknown) => console.warn('What reads answers was not loaded ahead', error)),
    /** Asks for an answer and follows it to its end. @throws {ApiError} when it is refused or lost */
    ask: (path: string, body: object) => {
      lastId = 0
      return whileRunning(async () => follow(await open(path, { method: 'POST', body })))
    },
    /** Follows an answer that was running before this page was opened. @throws {ApiError} when it is lost */
    attach: (partial: Message) => {
      lastId = 0
      return whileRunning(async () => {
        show(partial, { now: true })
        return follow(await reconnect())
      })
    }
  }
}
