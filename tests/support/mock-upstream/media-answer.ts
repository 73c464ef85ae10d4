import type { MockBehaviour } from './behaviour'
import { textPieces } from './behaviour'

/** What the mock knows of a media request. */
interface MediaRequest { model: string, [field: string]: unknown }

/** One vector a text: its length in characters, its place, and a half. */
export function embeddingsAnswer({ usage }: MockBehaviour, { model, input, encoding_format: format }: MediaRequest) {
  const texts = Array.isArray(input) && typeof input[0] !== 'number' ? input : [input]
  const data = texts.map((text, index) => {
    const vector = [String(text).length, index, 0.5]
    return { object: 'embedding', index, embedding: format === 'base64' ? Buffer.from(Float32Array.from(vector).buffer).toString('base64') : vector }
  })
  return { object: 'list', data, model, ...usage ? { usage: { prompt_tokens: usage.inputTokens, total_tokens: usage.inputTokens } } : {} }
}

export function imagesAnswer(behaviour: MockBehaviour, { n }: MediaRequest) {
  const picture = Buffer.from(textPieces(behaviour).join('')).toString('base64')
  return { created: 1_760_000_000, data: Array.from({ length: Number(n ?? 1) }, () => ({ b64_json: picture })), ...imageUsage(behaviour) }
}

export const imageEvents = (made: 'image_generation' | 'image_edit') => (behaviour: MockBehaviour, { n }: MediaRequest): string[] => {
  const picture = Buffer.from(textPieces(behaviour).join('')).toString('base64')
  return Array.from({ length: Number(n ?? 1) }, () => [
    event({ type: `${made}.partial_image`, b64_json: picture, partial_image_index: 0 }),
    event({ type: `${made}.completed`, b64_json: picture, ...imageUsage(behaviour) })
  ]).flat()
}

/** What is no JSON is as the test gives it, and tells no usage. Of a verbose one, the duration is a second for each input token. */
export function transcriptAnswer(behaviour: MockBehaviour, { model, response_format: format }: MediaRequest) {
  const text = textPieces(behaviour).join('')
  if (format === 'text' || format === 'srt' || format === 'vtt') return text
  if (format === 'verbose_json' && behaviour.usage) return { task: 'transcribe', language: 'english', duration: behaviour.usage.inputTokens, text, segments: [] }
  return { text, ...model.startsWith('whisper') ? durationUsage(behaviour) : transcriptUsage(behaviour) }
}

/** Only a verbose translation tells anything but its text. */
export function translationAnswer(behaviour: MockBehaviour, request: MediaRequest) {
  return request.response_format === undefined || request.response_format === 'json' ? { text: textPieces(behaviour).join('') } : transcriptAnswer(behaviour, request)
}

export function transcriptEvents(behaviour: MockBehaviour): string[] {
  return [
    ...textPieces(behaviour).map(delta => event({ type: 'transcript.text.delta', delta })),
    event({ type: 'transcript.text.done', text: textPieces(behaviour).join(''), ...transcriptUsage(behaviour) })
  ]
}

export function moderationsAnswer(_behaviour: MockBehaviour, { model, input }: MediaRequest) {
  return { id: 'modr-mock', model, results: [input].flat().map(text => ({ flagged: String(text).includes('bad'), categories: {}, category_scores: {} })) }
}

/** Cohere tells searches instead of tokens. */
export function rerankAnswer({ usage }: MockBehaviour, { model, documents, top_n: most }: MediaRequest) {
  const ranked = (Array.isArray(documents) ? documents : []).map((_, index) => ({ index, relevance_score: 1 / (index + 1) }))
  return { model, results: ranked.slice(0, typeof most === 'number' ? most : undefined), ...usage ? model.startsWith('cohere') ? { meta: { billed_units: { search_units: usage.inputTokens } } } : { usage: { total_tokens: usage.inputTokens } } : {} }
}

/** Google's `batchEmbedContents`, which tells no usage. */
export function batchEmbedAnswer(_behaviour: MockBehaviour, { requests }: MediaRequest) {
  return { embeddings: (Array.isArray(requests) ? requests : []).map((_, index) => ({ values: [index, 0.5] })) }
}

function imageUsage({ usage }: MockBehaviour) {
  return usage ? { usage: { ...counts(usage), input_tokens_details: { text_tokens: usage.inputTokens - (usage.imageTokens ?? 0), image_tokens: usage.imageTokens ?? 0 } } } : {}
}

function transcriptUsage({ usage }: MockBehaviour) {
  return usage ? { usage: { type: 'tokens', ...counts(usage), input_token_details: { text_tokens: 0, audio_tokens: usage.inputTokens } } } : {}
}

/** A second for each input token. */
function durationUsage({ usage }: MockBehaviour) {
  return usage ? { usage: { type: 'duration', seconds: usage.inputTokens } } : {}
}

function counts({ inputTokens, outputTokens }: { inputTokens: number, outputTokens: number }) {
  return { input_tokens: inputTokens, output_tokens: outputTokens, total_tokens: inputTokens + outputTokens }
}

function event(data: unknown): string {
  return `data: ${JSON.stringify(data)}\n\n`
}
