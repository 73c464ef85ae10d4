import type { ConversationSettings } from '#shared/conversations'
import type { Message } from '#shared/messages'
import { TemporaryEvent } from '#shared/temporary-chat'
import { applyChatEvent } from '#shared/apply-chat-event'
import type { OutgoingMessage } from '~/composables/useThread'
import type { ApiError } from '~/utils/api-error'
import { toApiError } from '~/utils/api-error'
import { createFrameBuffer } from '~/utils/frame-buffer'
import { makeId } from '~/utils/make-id'
import { openChatStream } from '~/utils/open-chat-stream'
import { readAnswerText } from '~/utils/read-answer-text'
import { readServerEvents } from '~/utils/read-server-events'

type End = Extract<TemporaryEvent, { type: 'end' }>

/** A chat that lives in this page alone: its messages go to the server with each question and are kept nowhere. */
export function useTemporaryThread(projectId: string, settings: () => ConversationSettings) {
  const { t } = useI18n()
  const messages = shallowRef<Message[]>([])
  const live = shallowRef<Message>()
  const failure = shallowRef<ApiError>()
  const outgoing = shallowRef<OutgoingMessage>()
  const running = ref(false)
  const frames = createFrameBuffer<Message>((latest) => {
    live.value = latest
  })
  let asked: OutgoingMessage | undefined
  let stopper = new AbortController()
  onScopeDispose(() => stopper.abort())

  async function send(message: OutgoingMessage) {
    asked = message
    outgoing.value = message
    failure.value = undefined
    running.value = true
    stopper = new AbortController()
    const question = makeMessage('user', message.text, messages.value.at(-1)?.id ?? null)
    let answer: Message = { ...makeMessage('assistant', '', question.id), status: 'streaming' }
    try {
      const sent = [...messages.value, question].map(one => ({ role: one.role, text: readAnswerText(one) })).filter(({ text }) => text !== '')
      const body = await openChatStream(`/api/projects/${projectId}/temporary`, { method: 'POST', body: { messages: sent, model: message.model, ...settings() }, signal: stopper.signal }, t)
      if (!body) return
      messages.value = [...messages.value, question]
      outgoing.value = undefined
      live.value = answer
      for await (const { event } of readServerEvents(body, () => Promise.resolve(TemporaryEvent))) {
        answer = event.type === 'end' ? settle(answer, event) : applyChatEvent(answer, event) ?? answer
        frames.push(answer)
      }
    } catch (thrown) {
      if (!stopper.signal.aborted) failure.value = toApiError(thrown, t)
    } finally {
      frames.cancel()
      live.value = undefined
      running.value = false
      if (messages.value.at(-1) === question) messages.value = [...messages.value, answer.status === 'streaming' ? { ...answer, status: 'aborted' } : answer]
    }
  }

  /** Asks the last question once more, in place of what was said to it before the connection broke. */
  async function askAgain() {
    if (!asked) return
    messages.value = messages.value.slice(0, -2)
    await send(asked)
  }

  function discard() {
    outgoing.value = undefined
    failure.value = undefined
  }

  return { messages, live, failure, outgoing, running, send, askAgain, discard, stop: () => stopper.abort() }
}

function settle(answer: Message, { error, leftOutTurns, figures }: End): Message {
  return { ...answer, ...figures, leftOutTurns, status: error ? 'error' : 'complete', error }
}

function makeMessage(role: 'user' | 'assistant', text: string, parentId: string | null): Message {
  const at = new Date().toJSON()
  const id = makeId()
  return {
    id, conversationId: id, parentId, siblingIds: [id], role, status: 'complete', provider: null, model: null, inputTokens: null, outputTokens: null, cachedInputTokens: null,
    reasoningTokens: null, contextTokens: null, leftOutTurns: null, costNanoUsd: null, latencyMs: null, ttfbMs: null, traceId: null, error: null, createdAt: at, feedback: null,
    parts: text === '' ? [] : [{ type: 'text', text, index: 0, startedAt: at, completedAt: at }]
  }
}
