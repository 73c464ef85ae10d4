import { modelMode } from '../../catalog/model-mode'
import type { Target } from '../../catalog/target'
import { LoomError } from '../../errors'
import { fieldOf } from '../field-of'
import { readChatRequest, requestedMaxTokens, stopSequences } from '../providers/chat-request'
import { responsesPrompt } from '../providers/openai-prompt'
import type { Transport, UpstreamResponse } from '../providers/provider'
import { pick } from '../providers/read-count'
import { readAnswerText } from '../providers/read-text'
import { jsonResponse, streamedResponse } from '../providers/translated-response'
import { completionOf } from './completion-of-response'
import { isOpenAi, reasoningWithoutTools } from './openai-models'
import { ResponseChunks } from './response-chunks'

type Body = Readonly<Record<string, unknown>>

/** Models that answer nothing without a search, which no chat asks for. */
const searching = /deep-research/

/** Another server under the kind `openai` has its own way with a chat. */
const OWN_HOST = /^https?:\/\/(?:[a-z]+\.)?api\.openai\.com(?:[:/]|$)/i

/** The lowest limit of an answer there. Source: its refusal, "integer below minimum value" (hindsight#58, pi#6265). */
const LEAST_OUTPUT_TOKENS = 16

/** What it has under the names that chats have. Source: the OpenAI API reference, "Create a model response", read 2026-12. */
const sharedFields: ReadonlySet<string> = new Set(['service_tier', 'prompt_cache_key', 'prompt_cache_retention', 'safety_identifier'])

/**
 * Whether a chat is put to the Responses API: its model answers by that alone, or reasons beside functions by that alone and is told to. OpenAI's chats take neither.
 * One of the latter that responses have no word for goes without reasoning, as it must.
 */
export function goesByResponses(target: Target, body: Body): boolean {
  const { provider, connection, upstreamModel, servedModel } = target
  if (!isOpenAi(target) || !provider.native?.('responses', connection, upstreamModel) || body.data_sources) return false
  if (modelMode(servedModel, connection.kind) === 'responses') return !searching.test(servedModel)
  const { tools, stop, reasoning_effort: effort, max_completion_tokens: newer, max_tokens: older } = body
  const isAsked = typeof effort === 'string' && effort !== 'none' && Array.isArray(tools) && tools.length > 0
  if (!isAsked || !reasoningWithoutTools.test(servedModel) || (connection.kind === 'openai' && !OWN_HOST.test(connection.baseUrl ?? 'https://api.openai.com'))) return false
  return tools.every(tool => fieldOf(tool, 'type') === 'function') && [stop].flat().every(text => !text) && Number(newer ?? older ?? LEAST_OUTPUT_TOKENS) >= LEAST_OUTPUT_TOKENS
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
 * The body of a response that asks the same, with the effort as it is asked for, which models take or refuse. Without counterpart, and left out: penalties, `seed`, `logit_bias`, `metadata`,
 * `prediction`; and `temperature` and `top_p`, which these models refuse, for they reason.
 * @throws {LoomError} `invalid_request` where leaving a field out would change what the caller gets
 */
function toResponsesBody({ reasoning_effort: effort, verbosity, ...body }: Body): Record<string, unknown> {
  const request = readChatRequest(body)
  if (stopSequences(request).some(Boolean)) throw new LoomError('invalid_request', '"stop" is not taken by this model, which the Responses API serves. Leave it out, or cut the answer yourself.', { param: 'stop' })
  const { tools, tool_choice: choice, parallel_tool_calls: parallel, user } = request
  const maxTokens = requestedMaxTokens(request)
  const { text, ...prompt } = responsesPrompt(request)
  return {
    ...pick(body, sharedFields),
    ...prompt,
    ...(Boolean(text || verbosity) && { text: { ...text, ...(Boolean(verbosity) && { verbosity }) } }),
    ...(tools?.length && choice && { tool_choice: typeof choice === 'string' ? choice : { type: 'function', name: choice.function.name } }),
    ...(tools?.length && typeof parallel === 'boolean' && { parallel_tool_calls: parallel }),
    ...(maxTokens && { max_output_tokens: maxTokens }),
    ...(Boolean(effort) && { reasoning: { effort } }),
    ...(user && { user }),
    store: false
  }
}
