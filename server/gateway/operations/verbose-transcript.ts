import { findPackagedProviderId } from '../../catalog/packaged-prices'
import type { Connection } from '../providers/provider'
import type { OperationName } from './operation-name'

/** The `response_format` of a transcript with all that the model knows of it. */
export const VERBOSE = 'verbose_json'

/**
 * Whether whisper tells how long the sound was in a verbose transcript alone: at OpenAI, any in JSON does, but of a translation. Sources, read 2026-11: Azure OpenAI's REST reference of 2024-10-21
 * (`audioResponse`, `audioVerboseResponse`); Groq's, "Create transcription", and https://console.groq.com/docs/speech-text; `Translation` and `TranslationVerbose` of the openai SDK.
 */
export function tellsLengthVerboselyAlone(operation: OperationName, { kind, baseUrl }: Connection): boolean {
  const place = findPackagedProviderId(baseUrl ?? '')
  return kind === 'azure' || place === 'groq' || (operation === 'audio.translations' && (kind === 'openai' || place === 'openai'))
}

/** A verbose transcript as a brief one, for who did not ask for more. */
export function toBrief(transcript: Readonly<Record<string, unknown>>): object {
  const { task: _task, language: _language, duration: _duration, segments: _segments, words: _words, ...brief } = transcript
  return brief
}
