import type { MockBehaviour } from './behaviour'
import { textPieces } from './behaviour'

const stopReasons = { stop: 'end_turn', length: 'max_tokens', content_filter: 'refusal' } as const

/** A `message` object of the Messages API. */
export function anthropicAnswer(behaviour: MockBehaviour, model: string) {
  return { ...messageHead(model), content: contentBlocks(behaviour).map(({ whole }) => whole), stop_reason: stopReason(behaviour), usage: anthropicUsage(behaviour) }
}

/** The events of a streamed answer, the last of them `message_stop`. */
export function anthropicEvents(behaviour: MockBehaviour, model: string): string[] {
  const usage = anthropicUsage(behaviour)
  return [
    event({ type: 'message_start', message: { ...messageHead(model), content: [], stop_reason: null, usage: usage ? { ...usage, output_tokens: 1 } : {} } }),
    event({ type: 'ping' }),
    ...contentBlocks(behaviour).flatMap(({ start, deltas }, index) => [
      event({ type: 'content_block_start', index, content_block: start }),
      ...deltas.map(delta => event({ type: 'content_block_delta', index, delta })),
      event({ type: 'content_block_stop', index })
    ]),
    event({ type: 'message_delta', delta: { stop_reason: stopReason(behaviour), stop_sequence: null }, usage: usage ? { output_tokens: usage.output_tokens } : {} }),
    event({ type: 'message_stop' })
  ]
}

export function anthropicErrorEvent(): string {
  return event(anthropicError(529))
}

export function anthropicError(status: number) {
  const types: Record<number, string> = { 400: 'invalid_request_error', 401: 'authentication_error', 403: 'permission_error', 404: 'not_found_error', 413: 'request_too_large', 429: 'rate_limit_error', 529: 'overloaded_error' }
  return { type: 'error', error: { type: types[status] ?? 'api_error', message: `The mock answers ${status}.` }, request_id: 'req_mock' }
}

function event(data: { type: string } & Record<string, unknown>): string {
  return `event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`
}

function messageHead(model: string) {
  return { id: 'msg_mock', type: 'message', role: 'assistant', model, stop_sequence: null }
}

function stopReason({ toolCalls, finishReason }: MockBehaviour): string {
  return toolCalls.length && finishReason === 'stop' ? 'tool_use' : stopReasons[finishReason]
}

interface ContentBlock { whole: unknown, start: unknown, deltas: unknown[] }

function contentBlocks(behaviour: MockBehaviour): ContentBlock[] {
  const pieces = textPieces(behaviour)
  return [
    ...behaviour.summary ? [summaryBlock(behaviour.summary)] : [],
    ...behaviour.reasoning ? [thinkingBlock(behaviour.reasoning)] : [],
    ...behaviour.toolCalls.length && behaviour.text === undefined
      ? []
      : [{ whole: { type: 'text', text: pieces.join('') }, start: { type: 'text', text: '' }, deltas: pieces.map(text => ({ type: 'text_delta', text })) }],
    ...behaviour.toolCalls.map(toolUseBlock)
  ]
}

function summaryBlock(content: string): ContentBlock {
  return { whole: { type: 'compaction', content }, start: { type: 'compaction', content: null }, deltas: [{ type: 'compaction_delta', content }] }
}

function thinkingBlock(thinking: string): ContentBlock {
  const signature = 'bW9jaw=='
  return {
    whole: { type: 'thinking', thinking, signature },
    start: { type: 'thinking', thinking: '', signature: '' },
    deltas: [{ type: 'thinking_delta', thinking }, { type: 'signature_delta', signature }]
  }
}

function toolUseBlock(call: { name: string, arguments: string }, index: number): ContentBlock {
  const block = { type: 'tool_use', id: `toolu_mock_${index}`, name: call.name }
  const half = Math.ceil(call.arguments.length / 2)
  return {
    whole: { ...block, input: inputOf(call.arguments) },
    start: { ...block, input: {} },
    deltas: ['', call.arguments.slice(0, half), call.arguments.slice(half)].map(text => ({ type: 'input_json_delta', partial_json: text }))
  }
}

/** Of arguments that were cut off a whole message shows nothing. */
function inputOf(text: string): unknown {
  return text.endsWith('}') ? JSON.parse(text) : {}
}

/** Anthropic counts cached input beside `input_tokens`, not in it. */
function anthropicUsage({ usage }: MockBehaviour) {
  if (!usage) return undefined
  return {
    input_tokens: usage.inputTokens - usage.cachedInputTokens - usage.cacheWriteTokens,
    cache_read_input_tokens: usage.cachedInputTokens,
    cache_creation_input_tokens: usage.cacheWriteTokens,
    output_tokens: usage.outputTokens,
    ...usage.reasoningTokens > 0 ? { output_tokens_details: { thinking_tokens: usage.reasoningTokens } } : {}
  }
}
