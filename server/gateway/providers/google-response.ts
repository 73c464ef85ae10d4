import { z } from 'zod'
import { MAX_CHOICES, MAX_ITEMS } from '../answer-limits'
import { UsageMetadata } from './google-usage'
import { newToolCallId } from './tool-use-id'

/** Parts of kinds not named here (code that Google ran itself) have no place in a chat completion. */
const Part = z.object({
  text: z.string().optional(),
  /** The text is a summary of the model's thoughts. */
  thought: z.boolean().optional(),
  thoughtSignature: z.string().optional(),
  functionCall: z.object({ id: z.string().optional(), name: z.string(), args: z.record(z.string(), z.unknown()).optional() }).optional(),
  inlineData: z.object({ mimeType: z.string(), data: z.string() }).optional()
})

/** A whole answer, or what one event of a streamed one adds to it. */
export const GenerateContentResponse = z.object({
  responseId: z.string().optional(),
  modelVersion: z.string().optional(),
  candidates: z.array(z.object({ content: z.object({ parts: z.array(Part).max(MAX_ITEMS).default([]) }).optional(), finishReason: z.string().optional() })).max(MAX_CHOICES).default([]),
  promptFeedback: z.object({ blockReason: z.string().optional() }).optional(),
  usageMetadata: UsageMetadata.optional()
})
export type GenerateContentResponse = z.infer<typeof GenerateContentResponse>

/** What a response says, in the words of a chat completion. */
export interface ReadContent {
  text: string
  reasoning: string
  toolCalls: { id: string, type: 'function', function: { name: string, arguments: string }, extra_content?: object }[]
  /** Pictures the model drew, as OpenRouter tells them: OpenAI's format has none in an answer. */
  images: { type: 'image_url', image_url: { url: string } }[]
}

export function readContent({ candidates }: GenerateContentResponse): ReadContent {
  const parts = candidates[0]?.content?.parts ?? []
  const texts = (thought: boolean) => parts.flatMap(part => part.text !== undefined && (part.thought ?? false) === thought ? [part.text] : []).join('')
  return {
    text: texts(false),
    reasoning: texts(true),
    toolCalls: parts.flatMap(({ functionCall: call, thoughtSignature: signature }) => call
      ? [{
          id: call.id ?? newToolCallId(),
          type: 'function' as const,
          function: { name: call.name, arguments: JSON.stringify(call.args ?? {}) },
          // Where Google's own OpenAI endpoint puts it: sent back with the call, the model goes on from its thoughts.
          ...(signature && { extra_content: { google: { thought_signature: signature } } })
        }]
      : []),
    images: parts.flatMap(({ inlineData: image, thought }) => image?.mimeType.startsWith('image/') && !thought
      ? [{ type: 'image_url' as const, image_url: { url: `data:${image.mimeType};base64,${image.data}` } }]
      : [])
  }
}

const filtered: ReadonlySet<string> = new Set([
  'SAFETY', 'RECITATION', 'BLOCKLIST', 'PROHIBITED_CONTENT', 'SPII', 'LANGUAGE', 'IMAGE_SAFETY', 'IMAGE_PROHIBITED_CONTENT', 'IMAGE_RECITATION'
])

/** Why an answer ended: OpenAI's word for it and, where the answer is not what was asked for, Google's. */
export interface Ending {
  finishReason: 'stop' | 'length' | 'tool_calls' | 'content_filter'
  refusal: string | null
}

/** Undefined as long as the response does not say. */
export function readEnding({ candidates, promptFeedback }: GenerateContentResponse, hasToolCalls: boolean): Ending | undefined {
  const reason = candidates[0]?.finishReason
  if (promptFeedback?.blockReason) return { finishReason: 'content_filter', refusal: `Google blocked the prompt (${promptFeedback.blockReason}).` }
  if (reason === undefined || reason === 'FINISH_REASON_UNSPECIFIED') return undefined
  if (reason === 'STOP') return { finishReason: hasToolCalls ? 'tool_calls' : 'stop', refusal: null }
  if (reason === 'MAX_TOKENS') return { finishReason: 'length', refusal: null }
  return { finishReason: filtered.has(reason) ? 'content_filter' : 'stop', refusal: `Google ended the answer (${reason}).` }
}
