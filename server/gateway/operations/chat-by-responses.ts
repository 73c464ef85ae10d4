import { modelMode } from '../../catalog/model-mode'
import type { Target } from '../../catalog/target'
import { LoomError } from '../../errors'
import { readChatRequest, requestedMaxTokens, stopSequences } from '../providers/chat-request'
import { responsesPrompt } from '../providers/openai-prompt'
import type { Transport, UpstreamResponse } from '../providers/provider'
import { readAnswerText } from '../providers/read-text'
import { jsonResponse, streamedResponse } from '../providers/translated-response'
import { completionOf } from './completion-of-response'
import { isOpenAi, reasoningWithoutTools } from './openai-models'
import { ResponseChunks } from './response-chunks'

type Body = Readonly<Record<string, unknown>>

/** Models that answer nothing without a search, which no chat asks for. */
const searching = /deep-research/

/**
 * Whether a chat is put to the Responses API: its model answers by that alone, or reasons beside tools by that alone and is told to. OpenAI's chats take neither.
 * There is nowhere to stop at a text there, so a chat that does goes without reasoning, as it must.
 */
export function goesByResponses(target: Target, body: Body): boolean {
  const { provider, connection, upstreamModel, servedModel } = target
  if (!isOpenAi(target) || !provider.native?.('responses', connection, upstreamModel)) return false
  if (modelMode(servedModel, connection.kind) === 'responses') return !searching.test(servedModel)
  const { tools, stop, reasoning_effort: effort } = body
  const stops = Array.isArray(stop) ? stop.length > 0 : Boolean(stop)
  return reasoningWithoutTools.test(servedModel) && Array.isArray(tools) && tools.length > 0 && typeof effort === 'string' && effort !== 'none' && !stops
}

/**
 * An attempt at a chat over the Responses API: nothing is kept there, and the answer comes as a chat's.
 * @throws {LoomError} `invalid_request` for what has no counterpart there; `upstream_error` when the answer is no response, or one that failed
 */
export async function sendByResponses({ provider, connection, upstreamModel }: Target, body: Body, stream: boolean, transport: Transport, signal: AbortSignal): Promise<UpstreamResponse> {
  const send = provider.native?.('responses', connection, upstreamModel)
  if (!send) throw new LoomError('invalid_request', `Connection "${connection.name}" (${connection.kind}) offers no responses. Choose a model of another connection.`, { param: 'model' })
  const response = await send(connection, { body: { ...toResponsesBody(body), stream }, upstreamModel, stream }, transport, signal)
  if (response.status >= 400) return response
  if (stream) return streamedResponse(response, new ResponseChunks(connection, new Date()))
  return jsonResponse(response, completionOf(await readAnswerText(response.body), new Date()))
}

/**
 * The body of a response that asks the same. Without counterpart, and left out: penalties, `seed`, `logit_bias`, `metadata`, `prediction`, `service_tier`, `verbosity`.
 * @throws {LoomError} `invalid_request` where leaving a field out would change what the caller gets
 */
function toResponsesBody(body: Body): Record<string, unknown> {
  const request = readChatRequest(body)
  if (stopSequences(request).length > 0) throw new LoomError('invalid_request', '"stop" is not taken by this model, which the Responses API serves. Leave it out, or cut the answer yourself.', { param: 'stop' })
  const { tools, tool_choice: choice, parallel_tool_calls: parallel, temperature, top_p: topP, reasoning_effort: effort, user } = request
  const maxTokens = requestedMaxTokens(request)
  return {
    ...responsesPrompt(request),
    ...(tools?.length && choice && { tool_choice: typeof choice === 'string' ? choice : { type: 'function', name: choice.function.name } }),
    ...(tools?.length && typeof parallel === 'boolean' && { parallel_tool_calls: parallel }),
    ...(maxTokens && { max_output_tokens: maxTokens }),
    ...(typeof temperature === 'number' && { temperature }),
    ...(typeof topP === 'number' && { top_p: topP }),
    ...(effort && { reasoning: { effort } }),
    ...(user && { user }),
    store: false
  }
}
