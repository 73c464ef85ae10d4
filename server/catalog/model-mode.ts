import type { ModelMode } from '../../shared/catalog'

/** The first that matches counts. Providers tell it nowhere but in the name. */
const modesByName: readonly (readonly [pattern: RegExp, mode: ModelMode])[] = [
  [/rerank/i, 'rerank'],
  [/embed|^(?:voyage|bge|e5|gte)-/i, 'embeddings'],
  [/moderation/i, 'moderation'],
  [/transcribe|whisper|voxtral/i, 'transcription'],
  [/\btts\b|-tts-/i, 'speech'],
  [/^(?:gpt-image|chatgpt-image|dall-e|imagen|flux|stable-diffusion|sdxl)/i, 'images']
]

/** What a model is for, as its name tells it; chat where it tells nothing. */
export function modelMode(upstreamModel: string): ModelMode {
  return modesByName.find(([pattern]) => pattern.test(upstreamModel))?.[1] ?? 'chat'
}
