import type { Target } from '../../catalog/target'
import { LoomError } from '../../errors'
import { encodeBody } from '../providers/encode-body'
import { readChatAnswer } from './chat-completion'
import type { ChatToolCall } from './chat-completion'
import { unwrapInput } from './custom-input'
import type { OverChat } from './over-chat'
import { toResponseUsage } from './response-answer'
import type { ToldCall, ToldToolCall } from './response-items'
import { callItem, describeResponse, messageItem, newCallItemId, outcomeOf, reasoningItem } from './response-items'
import { ResponseEvents } from './response-events'
import { newId } from './response-ids'
import type { ResponsesBody } from './responses-body'
import { responsesToChat } from './responses-to-chat'
import type { ToolsAsFunctions } from './tools-as-functions'

/**
 * A Responses call put to a model that speaks chat completions only. Nothing is kept at the provider; the answer's ids lead to the call's trace.
 * @throws {LoomError} `invalid_request` for what such a model cannot be asked, and for an answer that is to be stored where none is kept
 */
export function toResponseOverChat(body: ResponsesBody, target: Target, call: ToldCall): OverChat {
  if (body.store && !call.isStored) throw new LoomError('invalid_request', '"store": this organisation keeps no bodies of calls, and so no answers of this model. Leave it out, and send the items of the conversation themselves.', { param: 'store' })
  // What is told back of the request must be writable: an event that cannot be written would break off the answer.
  encodeBody(describeResponse(body, target.upstreamModel, call))
  const { chat, tools } = responsesToChat(body, target)
  return {
    body: chat,
    toAnswer: completion => toResponse(completion, body, target.upstreamModel, call, tools),
    toEvents: () => new ResponseEvents(body, target.upstreamModel, call, tools)
  }
}

function toResponse(completion: unknown, body: ResponsesBody, model: string, call: ToldCall, tools: ToolsAsFunctions): object {
  const { id: callId } = call
  const answer = readChatAnswer(completion)
  const outcome = outcomeOf(answer.finishReason)
  const items = [
    ...(answer.refusal ? [messageItem({ type: 'refusal', refusal: answer.refusal }, 'completed', newId('msg', callId))] : []),
    ...(answer.text || (answer.toolCalls.length === 0 && !answer.refusal) ? [messageItem({ type: 'output_text', text: answer.text, annotations: [], logprobs: [] }, 'completed', newId('msg', callId))] : []),
    ...answer.toolCalls.map(called => toTold(called, tools)).map(told => callItem(told, 'completed', newCallItemId(told.tool, callId)))
  ]
  const output = [
    ...(answer.reasoning ? [reasoningItem(answer.reasoning, newId('rs', callId))] : []),
    ...items.map((item, index) => index === items.length - 1 ? { ...item, status: outcome.status } : item)
  ]
  // Without counts of the provider's, ours are put in later.
  return { ...describeResponse(body, answer.model ?? model, call), ...outcome, output, usage: answer.usage ? toResponseUsage(answer.usage) : null }
}

function toTold({ id, name, arguments: written, extra }: ChatToolCall, tools: ToolsAsFunctions): ToldToolCall {
  const tool = tools.calledBy(name)
  return { id, tool, written: tool.type === 'custom' ? unwrapInput(written) : written, extra }
}
