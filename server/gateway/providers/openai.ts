import { z } from 'zod'
import { endpointUrl } from './endpoint-url'
import { mediaPath, mediaRequest } from './media-request'
import { OfferedModels } from './offered-models'
import { passThroughBody, renamedBody } from './openai-format'
import { toResponsesPrompt } from './openai-prompt'
import type { Connection, Provider, ProviderCall, ProviderRequest, UpstreamRequest } from './provider'
import { pick, readCount } from './read-count'
import { commonHeaders, sendUpstream } from './send-upstream'

/** Source: the OpenAI API reference, "Get input token counts", read 2026-11; a conversation is left out, for it may be longer by the time of the call. */
const countedFields: ReadonlySet<string> = new Set(['input', 'previous_response_id', 'instructions', 'tools', 'tool_choice', 'parallel_tool_calls', 'reasoning', 'text'])
const Count = z.object({ input_tokens: z.int().nonnegative() })

const OpenAiConfig = z.strictObject({
  models: OfferedModels.optional(),
  organization: z.string().min(1).max(200).optional(),
  project: z.string().min(1).max(200).optional()
})

/** OpenAI's own API. Bytes pass through. */
export const openai: Provider = {
  kind: 'openai',
  Config: OpenAiConfig,
  chatCompletions: post('chat/completions', call => ({ body: passThroughBody(call) })),
  async countPrompt(format, connection, call, transport, signal) {
    const body = pick(format === 'responses' ? call.body : toResponsesPrompt(call.body), countedFields)
    const response = await count(connection, { ...call, body, stream: false }, transport, signal)
    return (await readCount(response, Count))?.input_tokens
  },
  native(operation, _connection, upstreamModel) {
    if (operation === 'responses') return post('responses', call => ({ body: renamedBody(call) }))
    // The models of the chat endpoint are refused there.
    if (operation === 'completions') return /^(?:ft:)?(?:davinci|babbage)|-instruct/.test(upstreamModel) ? post('completions', call => ({ body: passThroughBody(call) })) : undefined
    const path = mediaPath(operation, ['rerank'])
    return path === undefined ? undefined : post(path, mediaRequest)
  }
}

const count = post('responses/input_tokens', call => ({ body: renamedBody(call) }))

function post(path: string, write: (call: ProviderRequest) => Pick<UpstreamRequest, 'body'> & Partial<UpstreamRequest>): ProviderCall {
  return (connection, call, transport, signal) => sendUpstream(connection, openAiRequest(connection, path, write(call)), call.stream, transport, signal)
}

function openAiRequest(connection: Connection, path: string, { headers, body }: Partial<UpstreamRequest> & Pick<UpstreamRequest, 'body'>): UpstreamRequest {
  const { organization, project } = OpenAiConfig.parse(connection.config)
  return {
    url: endpointUrl(connection.baseUrl ?? 'https://api.openai.com/v1', path),
    headers: {
      ...commonHeaders,
      ...(connection.secret && { authorization: `Bearer ${connection.secret}` }),
      ...(organization && { 'openai-organization': organization }),
      ...(project && { 'openai-project': project }),
      ...headers
    },
    body
  }
}
