import { LoomError } from '../../errors'
import { GenerateContentResponse, readContent, readEnding } from './google-response'
import { toChatUsage } from './google-usage'

/**
 * A whole answer as a `chat.completion` object.
 * @throws {LoomError} `upstream_error` when it is none
 */
export function toChatCompletion(text: string, requestedModel: string, createdAt: Date): Record<string, unknown> {
  const response = readResponse(text)
  const content = readContent(response)
  const ending = readEnding(response, content.toolCalls.length > 0)
  if (!ending && response.candidates.length === 0) throw notAnAnswer()
  const usage = toChatUsage(response.usageMetadata)
  return {
    id: response.responseId ?? '',
    object: 'chat.completion',
    created: Math.floor(createdAt.getTime() / 1_000),
    model: response.modelVersion ?? requestedModel,
    choices: [{
      index: 0,
      message: {
        role: 'assistant',
        content: content.text || (content.toolCalls.length > 0 ? null : ''),
        refusal: ending?.refusal ?? null,
        ...(content.reasoning && { reasoning_content: content.reasoning }),
        ...(content.toolCalls.length > 0 && { tool_calls: content.toolCalls }),
        ...(content.images.length > 0 && { images: content.images })
      },
      logprobs: null,
      finish_reason: ending?.finishReason ?? 'stop'
    }],
    ...(usage && { usage })
  }
}

function readResponse(text: string): GenerateContentResponse {
  try {
    return GenerateContentResponse.parse(JSON.parse(text))
  } catch (cause) {
    throw notAnAnswer(cause)
  }
}

function notAnAnswer(cause?: unknown): LoomError {
  return new LoomError('upstream_error', 'Google answered with something that is not an answer.', { cause })
}
