import { callChat } from '../gateway/call-chat'
import type { Caller } from '../gateway/caller'
import type { ChatChunk } from '../gateway/operations/assemble-completion'
import { shortCallId } from '../gateway/providers/tool-use-id'
import type { AnswerRequest, RequestMessage } from '../../shared/answers'
import type { MessagePart, ToolCallPart } from '../../shared/messages'
import type { ToolRun } from './run-tool-calls'
import { runToolCalls } from './run-tool-calls'
import type { AnswerOutcome } from './add-outcome'
import { addOutcome } from './add-outcome'
import { keepPictures } from './keep-pictures'
import { toRequestCall } from './request-call'

/** Times a model may be asked for one answer. */
const STEPS_MAX = 12

export interface StepsEnd {
  /** All its calls together. */
  call: AnswerOutcome
  error: { code: string, message: string } | null
}

/**
 * Asks the model, runs the tools it calls, and asks again with what they said, until it answers. Each time is a call on the road of its own:
 * authorised, held, traced and charged. Without tools it is one call.
 */
export async function runSteps(run: Omit<ToolRun, 'tools'> & { tools: ToolRun['tools'] | undefined, ip: string | null }, caller: Caller, request: AnswerRequest): Promise<StepsEnd> {
  const { runtime, answer, assembler, tools, publish, ip } = run
  const { id: messageId, conversationId } = answer.message
  const messages = [...request.messages]
  let total: AnswerOutcome | undefined
  for (let step = 0; ; step++) {
    const begin = answer.message.parts.length
    assembler.beginStep()
    const body = { ...request, messages, stream_options: { include_usage: true }, ...tools && { tools: tools.asRequest } }
    const pictures = keepPictures(run)
    const onChunk = (chunk: ChatChunk) => {
      publish(assembler.take(chunk))
      pictures.take()
    }
    const call = await callChat(runtime, caller, body, { signal: answer.signal, ip, conversationId, messageId, onChunk, whenReady: pictures.whenKept })
    total = addOutcome(total, call)
    await pictures.show()
    if (!tools || call.error || answer.signal.aborted) return { call: total, error: call.error ?? assembler.shortfall() }
    publish(assembler.finish(null))
    const calls = answer.message.parts.slice(begin).filter(part => part.type === 'tool_call')
    if (calls.length === 0) return { call: total, error: assembler.shortfall() }
    if (step + 1 === STEPS_MAX) return { call: total, error: { code: 'tool_limit', message: `The model called tools ${STEPS_MAX} times without coming to an answer, so it was ended here. Let it continue, or ask in another way.` } }
    messages.push(toAssistant(answer.message.parts.slice(begin), calls, assembler.extraOf))
    const results = answer.message.parts.length
    await runToolCalls({ ...run, tools }, calls)
    if (answer.signal.aborted) return { call: total, error: null }
    messages.push(...answer.message.parts.slice(results).flatMap((part): RequestMessage[] => part.type === 'tool_result' ? [{ role: 'tool', tool_call_id: shortCallId(part.toolCallId), content: part.text }] : []))
  }
}

function toAssistant(parts: readonly MessagePart[], calls: readonly ToolCallPart[], extraOf: (toolCallId: string) => object | undefined): RequestMessage {
  const text = parts.flatMap(part => part.type === 'text' ? [part.text] : []).join('\n\n')
  const thought = parts.flatMap(part => part.type === 'reasoning' ? [part.text] : []).join('')
  return { role: 'assistant', content: text || null, ...(thought && { reasoning_content: thought }), tool_calls: calls.map(call => ({ ...toRequestCall(call), ...extraOf(call.toolCallId) })) }
}
