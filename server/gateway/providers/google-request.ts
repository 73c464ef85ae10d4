import { LoomError } from '../../errors'
import { readChatRequest, requestedMaxTokens, stopSequences } from './chat-request'
import type { ChatRequest } from './chat-request'
import { encodeBody } from './encode-body'
import { conversationContents, systemParts } from './google-contents'
import { holdsToJsonBesideTools, thinkingConfig } from './google-model'
import type { ProviderRequest } from './provider'

/** The most texts to stop at that Gemini takes. Source: its API reference, `GenerationConfig.stopSequences`. */
const MAX_STOPS = 5

/**
 * The body of a `generateContent` call that asks the same. Without counterpart, and left out: penalties (most models
 * refuse them), `logit_bias`, `metadata`, `store`, `prediction`, `parallel_tool_calls`, `user`.
 * @throws {LoomError} `invalid_request` where leaving a field out would change what the caller gets
 */
export function toGenerateContentBody(call: ProviderRequest): Record<string, unknown> {
  const request = readChatRequest(call.body)
  const inWords = request.tools?.length && !holdsToJsonBesideTools(call.upstreamModel) ? jsonInWords(request) : undefined
  const system = [...systemParts(request.messages), ...inWords ? [{ text: inWords }] : []]
  const generationConfig = toGenerationConfig(inWords === undefined ? request : { ...request, response_format: undefined }, call.upstreamModel)
  const contents = conversationContents(request.messages, call.upstreamModel)
  return {
    // Instructions alone are what is asked.
    contents: contents.length > 0 ? contents : [{ role: 'user', parts: system }],
    ...(contents.length > 0 && system.length > 0 && { systemInstruction: { parts: system } }),
    ...toolFields(request),
    ...(Object.keys(generationConfig).length > 0 && { generationConfig })
  }
}

function toGenerationConfig(request: ChatRequest, model: string): Record<string, unknown> {
  const maxTokens = requestedMaxTokens(request)
  const stop = stopSequences(request)
  if (stop.length > MAX_STOPS) throw new LoomError('invalid_request', `stop: Gemini stops at no more than ${MAX_STOPS} texts.`, { param: 'stop' })
  const thinking = thinkingConfig(request, model)
  return {
    ...(maxTokens !== undefined && { maxOutputTokens: maxTokens }),
    ...(typeof request.temperature === 'number' && { temperature: request.temperature }),
    ...(typeof request.top_p === 'number' && { topP: request.top_p }),
    ...(typeof request.top_k === 'number' && { topK: request.top_k }),
    ...(typeof request.seed === 'number' && { seed: request.seed }),
    ...(stop.length > 0 && { stopSequences: stop }),
    ...(thinking && { thinkingConfig: thinking }),
    ...responseFormat(request)
  }
}

function responseFormat({ response_format: format }: ChatRequest): Record<string, unknown> {
  if (format?.type === 'json_object') return { responseMimeType: 'application/json' }
  return format?.type === 'json_schema' ? { responseMimeType: 'application/json', responseJsonSchema: format.json_schema.schema } : {}
}

/** What is asked of a model that cannot be held to it. */
function jsonInWords({ response_format: format }: ChatRequest): string | undefined {
  if (!format || format.type === 'text') return undefined
  const form = format.type === 'json_schema' ? `JSON that fits this schema, and nothing else: no prose, no code fence.\n${encodeBody(format.json_schema.schema ?? {})}` : 'one JSON object and nothing else: no prose, no code fence.'
  return `Call tools as you need them. When you answer, answer with ${form}`
}

function toolFields({ tools, tool_choice: choice }: ChatRequest): Record<string, unknown> {
  if (!tools?.length) return {}
  const functionDeclarations = tools.map(({ function: { name, description, parameters } }) => ({
    name,
    ...(description && { description }),
    ...(parameters && { parametersJsonSchema: parameters })
  }))
  const calling = callingConfig(choice)
  return { tools: [{ functionDeclarations }], ...(calling && { toolConfig: { functionCallingConfig: calling } }) }
}

function callingConfig(choice: ChatRequest['tool_choice']): Record<string, unknown> | undefined {
  if (!choice) return undefined
  if (typeof choice === 'object') return { mode: 'ANY', allowedFunctionNames: [choice.function.name] }
  return { mode: { auto: 'AUTO', none: 'NONE', required: 'ANY' }[choice] }
}
