import { LoomError } from '../../errors'
import type { Turn } from './anthropic-messages'
import { cacheControl, conversationTurns, systemBlocks } from './anthropic-messages'
import { answerableTurns, outputLimit, thinkingFields } from './anthropic-model'
import { toHeldSchema } from './anthropic-schema'
import { readChatRequest, stopSequences } from './chat-request'
import type { ChatRequest } from './chat-request'
import type { ProviderRequest } from './provider'

/**
 * The body of a Messages API call that asks the same. Without counterpart, and left out: penalties, `seed`,
 * `logit_bias`, `metadata`, `store`, `prediction`, `service_tier`.
 * @throws {LoomError} `invalid_request` where leaving a field out would change what the caller gets
 */
export function toMessagesBody(call: ProviderRequest): Record<string, unknown> {
  const request = readChatRequest(call.body)
  const system = [...systemBlocks(request.messages), ...jsonInstruction(request)]
  const stop = stopSequences(request)
  if (stop.some(text => text.trim() === '')) throw new LoomError('invalid_request', 'stop: Claude stops at no text of nothing but spaces and line breaks.', { param: 'stop' })
  const turns = answerableTurns(conversationTurns(request.messages), call.upstreamModel)
  // Instructions alone are what is asked.
  const messages: Turn[] = turns.length > 0 ? turns : [{ role: 'user', content: system }]
  const { output_config: effort, ...thinking } = thinkingFields(request, call.upstreamModel, messages)
  const outputConfig = { ...(typeof effort === 'object' ? effort : {}), ...jsonSchemaFormat(request) }
  return {
    model: call.upstreamModel,
    max_tokens: outputLimit(request, call.upstreamModel),
    ...(turns.length > 0 && system.length > 0 && { system }),
    messages,
    ...toolFields(request),
    ...(stop.length > 0 && { stop_sequences: stop }),
    ...thinking,
    ...(Object.keys(outputConfig).length > 0 && { output_config: outputConfig }),
    ...(request.user && { metadata: { user_id: request.user } }),
    ...cacheControl(request),
    stream: call.stream
  }
}

function toolFields({ tools, tool_choice: choice, parallel_tool_calls: parallel }: ChatRequest): Record<string, unknown> {
  if (!tools?.length) return {}
  const single = parallel === false ? { disable_parallel_tool_use: true } : {}
  return {
    tools: tools.map(tool => ({
      name: tool.function.name,
      ...(tool.function.description && { description: tool.function.description }),
      input_schema: { type: 'object', ...tool.function.parameters },
      ...cacheControl(tool)
    })),
    ...(choice === 'none' && { tool_choice: { type: 'none' } }),
    ...((choice === 'auto' || (!choice && parallel === false)) && { tool_choice: { type: 'auto', ...single } }),
    ...(choice === 'required' && { tool_choice: { type: 'any', ...single } }),
    ...(typeof choice === 'object' && choice && { tool_choice: { type: 'tool', name: choice.function.name, ...single } })
  }
}

function jsonSchemaFormat({ response_format: format }: ChatRequest): Record<string, unknown> {
  return format?.type === 'json_schema' ? { format: { type: 'json_schema', schema: toHeldSchema(format.json_schema.schema) } } : {}
}

/** Anthropic has no JSON mode without a schema; the model is told instead. */
function jsonInstruction({ response_format: format }: ChatRequest): Record<string, unknown>[] {
  return format?.type === 'json_object' ? [{ type: 'text', text: 'Answer with one JSON object and nothing else: no prose, no code fence.' }] : []
}
