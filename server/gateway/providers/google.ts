import { z } from 'zod'
import { encodeBody } from './encode-body'
import { endpointUrl } from './endpoint-url'
import { toBatchEmbedBody, toEmbeddingList } from './google-embeddings'
import { toChatCompletion } from './google-answer'
import { toGenerateContentBody } from './google-request'
import { GoogleStream } from './google-stream'
import { OfferedModels } from './offered-models'
import type { Connection, Provider, ProviderCall } from './provider'
import { pick, readCount } from './read-count'
import { readAnswerText } from './read-text'
import { commonHeaders, sendUpstream } from './send-upstream'
import { jsonResponse, streamedResponse } from './translated-response'

const countedFields: ReadonlySet<string> = new Set(['contents', 'systemInstruction', 'tools', 'toolConfig'])
const Count = z.object({ totalTokens: z.int().nonnegative() })
/**
 * Google counts a page or a picture as 258 tokens, and bills up to 1,120 for it, by the model and how finely it looks; the text in a PDF it gives for nothing.
 * Sources, read 2026-11: ai.google.dev/gemini-api/docs/document-processing and media-resolution, github.com/googleapis/python-genai/issues/470.
 */
const MOST_BILLED_PER_COUNTED = 5

const GoogleConfig = z.strictObject({
  models: OfferedModels.optional()
})

/** Google's Gemini API, translated from and to chat completions. Source: ai.google.dev/api/generate-content, read 2026-11. */
export const google: Provider = {
  kind: 'google',
  Config: GoogleConfig,
  async chatCompletions(connection, call, transport, signal) {
    const url = modelUrl(connection, call.upstreamModel, call.stream ? 'streamGenerateContent' : 'generateContent')
    if (call.stream) url.searchParams.set('alt', 'sse')
    const request = { url, headers: googleHeaders(connection), body: encodeBody(toGenerateContentBody(call)) }
    const response = await sendUpstream(connection, request, call.stream, transport, signal)
    if (response.status >= 400) return response
    if (call.stream) return streamedResponse(response, new GoogleStream(connection, call.upstreamModel, new Date()))
    return jsonResponse(response, toChatCompletion(await readAnswerText(response.body), call.upstreamModel, new Date()))
  },
  async countPrompt(_format, connection, call, transport, signal) {
    const prompt = pick(toGenerateContentBody(call), countedFields)
    const request = { url: modelUrl(connection, call.upstreamModel, 'countTokens'), headers: googleHeaders(connection), body: encodeBody({ generateContentRequest: { model: modelPath(call.upstreamModel), ...prompt } }) }
    const count = await readCount(await sendUpstream(connection, request, false, transport, signal), Count)
    return count && count.totalTokens * MOST_BILLED_PER_COUNTED
  },
  native: operation => operation === 'embeddings' ? embed : undefined
}

const embed: ProviderCall = async (connection, call, transport, signal) => {
  const request = { url: modelUrl(connection, call.upstreamModel, 'batchEmbedContents'), headers: googleHeaders(connection), body: encodeBody(toBatchEmbedBody(call)) }
  const response = await sendUpstream(connection, request, false, transport, signal)
  if (response.status >= 400) return response
  return jsonResponse(response, toEmbeddingList(await readAnswerText(response.body), call))
}

/** The key goes into a header, though Google also takes it in the URL: URLs end up in logs. */
function googleHeaders({ secret }: Connection): Record<string, string> {
  return { ...commonHeaders, ...(secret && { 'x-goog-api-key': secret }) }
}

/** A method of a model. The base URL may come with its version or without; `tunedModels/…` are named in full, others may be. */
export function modelUrl({ baseUrl }: Connection, model: string, method: string): URL {
  const base = baseUrl ?? 'https://generativelanguage.googleapis.com'
  const version = /\/v\d\w*\/?$/.test(base) ? '' : 'v1beta/'
  const { collection, name } = nameOf(model)
  return endpointUrl(base, `${version}${collection}/${encodeURIComponent(name)}:${method}`)
}

function modelPath(model: string): string {
  const { collection, name } = nameOf(model)
  return `${collection}/${name}`
}

function nameOf(model: string): { collection: string, name: string } {
  const [, collection = 'models', name = model] = /^(models|tunedModels)\/(.+)$/.exec(model) ?? []
  return { collection, name }
}
