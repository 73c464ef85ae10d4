import { z } from 'zod'
import { LoomError } from '../../errors'
import { endpointUrl } from './endpoint-url'
import { mediaPath, mediaRequest } from './media-request'
import { passThroughBody, renamedBody } from './openai-format'
import type { Connection, Provider, ProviderCall, ProviderRequest, UpstreamRequest } from './provider'
import { commonHeaders, sendUpstream } from './send-upstream'

export const OpenAiCompatibleConfig = z.strictObject({
  models: z.array(z.string().min(1)).max(1_000).optional(),
  /** False for servers that refuse `stream_options`; their usage is then counted here and marked estimated. */
  streamUsage: z.boolean().optional()
})

/** Any server that speaks the OpenAI format under a base URL (Ollama, vLLM, Groq, Mistral, Together…). Bytes pass through. */
export const openaiCompatible: Provider = {
  kind: 'openai-compatible',
  Config: OpenAiCompatibleConfig,
  chatCompletions: post('chat/completions', chatRequest),
  native(operation) {
    if (operation === 'completions') return post('completions', chatRequest)
    const path = mediaPath(operation)
    return path === undefined ? undefined : post(path, mediaRequest)
  }
}

function chatRequest(call: ProviderRequest, { config }: Connection): Pick<UpstreamRequest, 'body'> {
  return { body: OpenAiCompatibleConfig.parse(config).streamUsage === false ? renamedBody(call) : passThroughBody(call) }
}

function post(path: string, write: (call: ProviderRequest, connection: Connection) => Pick<UpstreamRequest, 'body'> & Partial<UpstreamRequest>): ProviderCall {
  return async (connection, call, transport, signal) => sendUpstream(connection, compatibleRequest(connection, path, write(call, connection)), call.stream, transport, signal)
}

function compatibleRequest(connection: Connection, path: string, { headers, body }: Partial<UpstreamRequest> & Pick<UpstreamRequest, 'body'>): UpstreamRequest {
  if (!connection.baseUrl) throw new LoomError('invalid_request', `Connection "${connection.name}" has no base URL. Set it under Connections.`)
  return {
    url: endpointUrl(connection.baseUrl, path),
    headers: { ...commonHeaders, ...(connection.secret && { authorization: `Bearer ${connection.secret}` }), ...headers },
    body
  }
}
