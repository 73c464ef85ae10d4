import { v7 as uuidv7 } from 'uuid'
import type { Runtime } from '../runtime'
import { LoomError } from '../errors'
import { ordinaryBilling } from './billing-headers'
import type { CallOutcome } from './call-context'
import type { Caller } from './caller'
import type { ChatChunk } from './operations/assemble-completion'
import { chatCompletions, parseChatRequest } from './operations/chat-completions'
import { runCall } from './run-call'

export interface CallChatOptions {
  signal: AbortSignal
  /** Where it is asked from. */
  ip: string | null
  /** Of its trace; a new one unless it is given. */
  requestId?: string
  conversationId?: string
  messageId?: string
  /** Each parsed `chat.completion.chunk`, in order. */
  onChunk: (chunk: ChatChunk) => void
  /** Asked after each: what the provider has to wait for before it is read on; undefined when it has not. */
  whenReady?: () => Promise<void> | undefined
  /** The answer has begun: where it comes from. */
  onBegin?: (head: { requestId: string, provider: string, model: string }) => void
}

/**
 * A streamed chat call from inside the process: the same road as over HTTP, without the socket.
 * @throws {LoomError} `invalid_request` when `body` is no chat-completions body; every later failure is the outcome's `error`
 */
export async function callChat({ gateway }: Pick<Runtime, 'gateway'>, caller: Caller, body: Record<string, unknown>, options: CallChatOptions): Promise<CallOutcome> {
  const receivedAt = performance.now()
  const raw = Buffer.from(JSON.stringify({ ...body, stream: true }))
  const request = parseChatRequest(raw, options.onChunk)
  const abort = new AbortController()
  const leave = () => abort.abort(new LoomError('caller_gone', 'The answer was stopped.'))
  if (options.signal.aborted) leave()
  options.signal.addEventListener('abort', leave, { once: true })
  try {
    return await runCall(
      gateway,
      { requestId: options.requestId ?? uuidv7(), endpoint: 'chat', operation: chatCompletions, caller, request, billing: ordinaryBilling, abort, receivedAt, ip: options.ip, conversationId: options.conversationId, messageId: options.messageId },
      {
        begin: head => options.onBegin?.(head),
        write: () => options.whenReady?.() === undefined,
        drained: () => options.whenReady?.() ?? Promise.resolve()
      }
    )
  } finally {
    options.signal.removeEventListener('abort', leave)
  }
}
