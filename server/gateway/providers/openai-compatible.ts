import { z } from 'zod'
import { LoomError } from '../../errors'
import { endpointUrl } from './endpoint-url'
import { oncePerConnection } from './once-per-connection'
import { mediaPath, mediaRequest } from './media-request'
import { OfferedModels } from './offered-models'
import { requireOneModel } from './one-model'
import { passThroughBody, renamedBody } from './openai-format'
import type { Connection, Provider, ProviderCall, ProviderRequest, UpstreamRequest } from './provider'
import { commonHeaders, sendUpstream } from './send-upstream'

export const OpenAiCompatibleConfig = z.strictObject({
  models: OfferedModels.optional(),
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

const refusesStreamUsage = oncePerConnection(({ config }) => OpenAiCompatibleConfig.parse(config).streamUsage === false)

function chatRequest(call: ProviderRequest, connection: Connection): Pick<UpstreamRequest, 'body'> {
  return { body: refusesStreamUsage(connection) ? renamedBody(call) : passThroughBody(call) }
}

function post(path: string, write: (call: ProviderRequest, connection: Connection) => Pick<UpstreamRequest, 'body'> & Partial<UpstreamRequest>): ProviderCall {
  const endpoint = oncePerConnection(connection => endpointOf(connection, path))
  return async (connection, call, transport, signal) => {
    requireOneModel(call.body)
    const { headers, ...rest } = write(call, connection)
    const { url, headers: common } = endpoint(connection)
    return sendUpstream(connection, { ...rest, url, headers: { ...common, ...headers } }, call.stream, transport, signal)
  }
}

function endpointOf({ name, baseUrl, secret }: Connection, path: string): Pick<UpstreamRequest, 'url' | 'headers'> {
  if (!baseUrl) throw new LoomError('invalid_request', `Connection "${name}" has no base URL. Set it under Connections.`)
  return { url: endpointUrl(baseUrl, path), headers: { ...commonHeaders, ...(secret && { authorization: `Bearer ${secret}` }) } }
}
