import type { Target } from '../../catalog/target'
import { encodeBody } from '../providers/encode-body'
import { readChatAnswer } from './chat-completion'
import type { OverChat } from './over-chat'
import { toResponseUsage } from './response-answer'
import { callItem, describeResponse, messageItem, outcomeOf, reasoningItem } from './response-items'
import { ResponseEvents } from './response-events'
import { newId } from './response-ids'
import type { ResponsesBody } from './responses-body'
import { responsesToChat } from './responses-to-chat'

/** A Responses call put to a model that speaks chat completions only. Nothing is kept at the provider; the answer's ids lead to the call's trace. */
export function toResponseOverChat(body: ResponsesBody, target: Target, callId: string): OverChat {
  // What is told back of the request must be writable: an event that cannot be written would break off the answer.
  encodeBody(describeResponse(body, target.upstreamModel, callId))
  return {
    body: responsesToChat(body, target),
    toAnswer: completion => toResponse(completion, body, target.upstreamModel, callId),
    toEvents: () => new ResponseEvents(body, target.upstreamModel, callId)
  }
}

function toResponse(completion: unknown, body: ResponsesBody, model: string, callId: string): object {
  const answer = readChatAnswer(completion)
  const outcome = outcomeOf(answer.finishReason)
  const items = [
    ...(answer.refusal ? [messageItem({ type: 'refusal', refusal: answer.refusal }, 'completed', newId('msg', callId))] : []),
    ...(answer.text || (answer.toolCalls.length === 0 && !answer.refusal) ? [messageItem({ type: 'output_text', text: answer.text, annotations: [], logprobs: [] }, 'completed', newId('msg', callId))] : []),
    ...answer.toolCalls.map(call => callItem(call, 'completed', newId('fc', callId)))
  ]
  const output = [
    ...(answer.reasoning ? [reasoningItem(answer.reasoning, newId('rs', callId))] : []),
    ...items.map((item, index) => index === items.length - 1 ? { ...item, status: outcome.status } : item)
  ]
  // Without counts of the provider's, ours are put in later.
  return { ...describeResponse(body, answer.model ?? model, callId), ...outcome, output, usage: answer.usage ? toResponseUsage(answer.usage) : null }
}
