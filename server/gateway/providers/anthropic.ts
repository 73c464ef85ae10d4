import { z } from 'zod'
import { toChatCompletion } from './anthropic-answer'
import { toMessagesBody } from './anthropic-request'
import { AnthropicStream } from './anthropic-stream'
import { encodeBody } from './encode-body'
import { endpointUrl } from './endpoint-url'
import { OfferedModels } from './offered-models'
import { renamedBody } from './openai-format'
import type { Provider, ProviderCall, ProviderRequest } from './provider'
import { pick, readCount } from './read-count'
import { readAnswerText } from './read-text'
import { commonHeaders, sendUpstream } from './send-upstream'
import { jsonResponse, streamedResponse } from './translated-response'

/** What a count is of, PDFs included, within a small amount of what is billed; it takes no other field of a call. Source: Anthropic, "Token counting", read 2026-11. */
const countedFields: ReadonlySet<string> = new Set(['messages', 'system', 'tools', 'tool_choice', 'thinking', 'output_config'])
const Count = z.object({ input_tokens: z.int().nonnegative() })

const AnthropicConfig = z.strictObject({
  models: OfferedModels.optional()
})

/** Anthropic's Messages API: natively, or translated from and to chat completions. */
export const anthropic: Provider = {
  kind: 'anthropic',
  Config: AnthropicConfig,
  async chatCompletions(connection, call, transport, signal) {
    const response = await translated(connection, call, transport, signal)
    if (response.status >= 400) return response
    if (call.stream) return streamedResponse(response, new AnthropicStream(connection, new Date()))
    return jsonResponse(response, toChatCompletion(await readAnswerText(response.body), new Date()))
  },
  async countPrompt(format, connection, call, transport, signal) {
    const body = pick(format === 'messages' ? call.body : toMessagesBody(call), countedFields)
    const response = await count(connection, { ...call, body, stream: false }, transport, signal)
    return (await readCount(response, Count))?.input_tokens
  },
  native(operation) {
    if (operation === 'messages') return post('v1/messages', renamedBody)
    return operation === 'messages.count_tokens' ? count : undefined
  }
}

const count = post('v1/messages/count_tokens', renamedBody)
const translated = post('v1/messages', call => encodeBody(toMessagesBody(call)))

function post(path: string, encode: (call: ProviderRequest) => string): ProviderCall {
  return async (connection, call, transport, signal) => sendUpstream(connection, {
    // Anthropic's own SDKs take the base URL without `/v1`, others with it.
    url: endpointUrl((connection.baseUrl ?? 'https://api.anthropic.com').replace(/\/v1\/?$/, ''), path),
    headers: { ...commonHeaders, 'anthropic-version': '2023-06-01', ...call.headers, ...(connection.secret && { 'x-api-key': connection.secret }) },
    body: encode(call)
  }, call.stream, transport, signal)
}
