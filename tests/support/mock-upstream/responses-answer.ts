import type { MockBehaviour } from './behaviour'
import { textPieces } from './behaviour'

const constant = { object: 'response', created_at: 1_760_000_000, background: false, error: null, instructions: null, parallel_tool_calls: true, tool_choice: 'auto', tools: [], metadata: {}, temperature: 1, top_p: 1 }

const headOf = ({ id }: MockBehaviour) => ({ id: `resp_${id}`, ...constant })

/** A `response` object of the Responses API. */
export function responsesAnswer(behaviour: MockBehaviour, model: string) {
  const cut = behaviour.finishReason === 'stop' ? null : { reason: behaviour.finishReason === 'length' ? 'max_output_tokens' : 'content_filter' }
  return { ...headOf(behaviour), model, status: cut ? 'incomplete' : 'completed', incomplete_details: cut, output: items(behaviour).map(({ whole }) => whole), usage: usageOf(behaviour) }
}

/** The events of a streamed answer, numbered, the last of them `response.completed`. */
export function responsesEvents(behaviour: MockBehaviour, model: string): string[] {
  const begun = { ...headOf(behaviour), model, status: 'in_progress', output: [], usage: null }
  const answer = responsesAnswer(behaviour, model)
  const events = [
    { type: 'response.created', response: begun },
    { type: 'response.in_progress', response: begun },
    ...items(behaviour).flatMap(({ start, events, whole }, index) => [
      { type: 'response.output_item.added', item: start, output_index: index },
      ...events.map(each => ({ ...each, output_index: index })),
      { type: 'response.output_item.done', item: whole, output_index: index }
    ]),
    { type: `response.${answer.status}`, response: answer }
  ]
  return events.map((data, number) => event({ ...data, sequence_number: number }))
}

/** As OpenAI sends it, which is not as it documents it. */
export function responsesErrorEvent(): string {
  return event({ type: 'error', sequence_number: 99, error: { type: 'server_error', code: 'server_error', message: 'The mock failed mid-stream.', param: null } })
}

function event(data: { type: string } & Record<string, unknown>): string {
  return `event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`
}

interface Item { whole: object, start: object, events: ({ type: string } & Record<string, unknown>)[] }

function items(behaviour: MockBehaviour): Item[] {
  const thoughts = behaviour.reasoning === undefined ? [] : [reasoningItem(`rs_${behaviour.id}`)]
  return [...thoughts, ...behaviour.toolCalls.length ? behaviour.toolCalls.map(callItem) : [messageItem(`msg_${behaviour.id}`, textPieces(behaviour))]]
}

/** Sealed, as who keeps nothing asks for it. */
function reasoningItem(id: string): Item {
  const item = { id, type: 'reasoning', summary: [], encrypted_content: 'gAAAA' }
  return { whole: item, start: item, events: [] }
}

function messageItem(id: string, pieces: string[]): Item {
  const at = { item_id: id, content_index: 0 }
  const item = { id, type: 'message', role: 'assistant' }
  const part = { type: 'output_text', text: pieces.join(''), annotations: [], logprobs: [] }
  return {
    whole: { ...item, status: 'completed', content: [part] },
    start: { ...item, status: 'in_progress', content: [] },
    events: [
      { type: 'response.content_part.added', ...at, part: { ...part, text: '' } },
      ...pieces.map(delta => ({ type: 'response.output_text.delta', ...at, delta, logprobs: [] })),
      { type: 'response.output_text.done', ...at, text: part.text, logprobs: [] },
      { type: 'response.content_part.done', ...at, part }
    ]
  }
}

function callItem(call: { name: string, arguments: string }, index: number): Item {
  const item = { id: `fc_mock_${index}`, type: 'function_call', call_id: `call_mock_${index}`, name: call.name }
  const half = Math.ceil(call.arguments.length / 2)
  return {
    whole: { ...item, status: 'completed', arguments: call.arguments },
    start: { ...item, status: 'in_progress', arguments: '' },
    events: [
      ...[call.arguments.slice(0, half), call.arguments.slice(half)].map(delta => ({ type: 'response.function_call_arguments.delta', item_id: item.id, delta })),
      { type: 'response.function_call_arguments.done', item_id: item.id, arguments: call.arguments }
    ]
  }
}

function usageOf({ usage }: MockBehaviour) {
  if (!usage) return null
  return {
    input_tokens: usage.inputTokens,
    input_tokens_details: { cached_tokens: usage.cachedInputTokens },
    output_tokens: usage.outputTokens,
    output_tokens_details: { reasoning_tokens: usage.reasoningTokens },
    total_tokens: usage.inputTokens + usage.outputTokens
  }
}
