import type { MockBehaviour } from './behaviour'
import { textPieces } from './behaviour'

const head = { id: 'chatcmpl-mock', created: 1_760_000_000, system_fingerprint: 'fp_mock' }

/** A `chat.completion` object. */
export function openaiAnswer(behaviour: MockBehaviour, model: string) {
  const calls = toolCalls(behaviour)
  const message = {
    role: 'assistant',
    content: calls.length ? null : textPieces(behaviour).join(''),
    ...behaviour.reasoning ? { [behaviour.reasoningField]: behaviour.reasoning } : {},
    ...calls.length ? { tool_calls: calls } : {}
  }
  const usage = openaiUsage(behaviour)
  return { ...head, object: 'chat.completion', model, choices: [{ index: 0, message, logprobs: null, finish_reason: finishReason(behaviour) }], ...usage ? { usage } : {} }
}

/** The events of a streamed answer, the last of them `[DONE]`. */
export function openaiEvents(behaviour: MockBehaviour, model: string, includeUsage: boolean): string[] {
  const usage = includeUsage ? openaiUsage(behaviour) : undefined
  const chunk = (choices: unknown[], extra = {}) =>
    event({ ...head, object: 'chat.completion.chunk', model, choices, ...includeUsage ? { usage: null } : {}, ...extra })
  const delta = (content: Record<string, unknown>, finish: string | null = null) => chunk([{ index: 0, delta: content, logprobs: null, finish_reason: finish }])
  return [
    delta({ role: 'assistant', content: '' }),
    ...behaviour.reasoning ? [delta({ [behaviour.reasoningField]: behaviour.reasoning })] : [],
    ...behaviour.toolCalls.length ? toolCallDeltas(behaviour).map(call => delta({ tool_calls: [call] })) : textPieces(behaviour).map(content => delta({ content })),
    ...behaviour.images.map(url => delta({ images: [{ type: 'image_url', image_url: { url } }] })),
    delta({}, finishReason(behaviour)),
    ...usage ? [chunk([], { usage })] : [],
    'data: [DONE]\n\n'
  ]
}

/** A `text_completion` object. */
export function completionsAnswer(behaviour: MockBehaviour, model: string) {
  const usage = openaiUsage(behaviour)
  return { id: 'cmpl-mock', object: 'text_completion', created: head.created, model, choices: [{ index: 0, text: textPieces(behaviour).join(''), logprobs: null, finish_reason: finishReason(behaviour) }], ...usage ? { usage } : {} }
}

/** The events of a streamed text completion, the last of them `[DONE]`. */
export function completionsEvents(behaviour: MockBehaviour, model: string, includeUsage: boolean): string[] {
  const usage = includeUsage ? openaiUsage(behaviour) : undefined
  const chunk = (choices: unknown[], extra = {}) => event({ id: 'cmpl-mock', object: 'text_completion', created: head.created, model, choices, ...extra })
  return [
    ...textPieces(behaviour).map(text => chunk([{ index: 0, text, logprobs: null, finish_reason: null }])),
    chunk([{ index: 0, text: '', logprobs: null, finish_reason: finishReason(behaviour) }]),
    ...usage ? [chunk([], { usage })] : [],
    'data: [DONE]\n\n'
  ]
}

export function openaiErrorEvent(): string {
  return event({ error: { message: 'The mock failed mid-stream.', type: 'server_error', param: null, code: null } })
}

export function openaiError(status: number) {
  const type = status === 401 ? 'invalid_request_error' : status === 429 ? 'requests' : 'server_error'
  const code = status === 401 ? 'invalid_api_key' : status === 429 ? 'rate_limit_exceeded' : null
  return { error: { message: `The mock answers ${status}.`, type, param: null, code } }
}

function event(data: unknown): string {
  return `data: ${JSON.stringify(data)}\n\n`
}

function finishReason({ toolCalls, finishReason }: MockBehaviour): string {
  return toolCalls.length && finishReason === 'stop' ? 'tool_calls' : finishReason
}

function toolCalls(behaviour: MockBehaviour) {
  return behaviour.toolCalls.map((call, index) => ({ id: `call_mock_${index}`, type: 'function', function: call }))
}

/** Each call as a stream tells it: its name first, then its arguments in two halves. */
function toolCallDeltas(behaviour: MockBehaviour) {
  return toolCalls(behaviour).flatMap((call, position) => {
    const half = Math.ceil(call.function.arguments.length / 2)
    const at = { own: { index: position }, shared: { index: 0 }, none: {} }[behaviour.callIndexes]
    const part = (text: string) => ({ ...at, function: { arguments: text } })
    return [
      { ...at, id: call.id, type: call.type, function: { name: call.function.name, arguments: '' } },
      part(call.function.arguments.slice(0, half)),
      part(call.function.arguments.slice(half))
    ]
  })
}

function openaiUsage({ usage }: MockBehaviour) {
  if (!usage) return undefined
  return {
    prompt_tokens: usage.inputTokens,
    completion_tokens: usage.outputTokens,
    total_tokens: usage.inputTokens + usage.outputTokens,
    prompt_tokens_details: { cached_tokens: usage.cachedInputTokens, audio_tokens: 0 },
    completion_tokens_details: { reasoning_tokens: usage.reasoningTokens, audio_tokens: 0 }
  }
}
