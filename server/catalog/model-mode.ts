import type { ModelMode, ProviderKind } from '../../shared/catalog'

/** The first that matches counts. Providers tell it nowhere but in the name. */
const modesByName: readonly (readonly [pattern: RegExp, mode: ModelMode])[] = [
  [/rerank/i, 'rerank'],
  [/embed|^(?:voyage|bge|e5|gte)-/i, 'embeddings'],
  [/moderation/i, 'moderation'],
  [/transcribe|whisper|voxtral/i, 'transcription'],
  [/\btts\b|-tts-/i, 'speech'],
  [/^(?:gpt-image|chatgpt-image|dall-e|imagen|flux|stable-diffusion|sdxl)/i, 'images']
]

/**
 * Whether OpenAI serves a model by its Responses API alone: "only supported in v1/responses and not in v1/chat/completions".
 * Sources: `ResponsesModel` of the openai SDK; langchain#34306 (gpt-5.2-pro), HeyPuter/puter#2110 (gpt-5.1-codex-mini).
 */
function speaksResponsesAlone(model: string): boolean {
  return /^(?:o\d|gpt-5(?:\.\d+)?)-pro|^gpt-5(?:\.\d+)?-codex\b|^o\d.*-deep-research/.test(model)
}

/** What a model is for, as its name tells it; chat where it tells nothing. Others serve by chat, too, what OpenAI and Azure do not. */
export function modelMode(model: string, kind?: ProviderKind): ModelMode {
  if ((kind === 'openai' || kind === 'azure') && speaksResponsesAlone(model)) return 'responses'
  return modesByName.find(([pattern]) => pattern.test(model))?.[1] ?? 'chat'
}
