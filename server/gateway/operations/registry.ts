import { audioSpeech } from './audio-speech'
import { audioTranscriptions, audioTranslations } from './audio-transcriptions'
import { findAzureOperation } from './azure-paths'
import { chatCompletions } from './chat-completions'
import { completions } from './completions'
import { countMessageTokens } from './count-message-tokens'
import { embeddings } from './embeddings'
import { imagesEdits } from './images-edits'
import { imagesGenerations } from './images-generations'
import { messages } from './messages'
import { moderations } from './moderations'
import type { Operation } from './operation'
import { rerank } from './rerank'
import { responses } from './responses'

/** Every operation there is. */
export const operations: readonly Operation[] = [
  chatCompletions, completions, responses, messages, countMessageTokens,
  embeddings, imagesGenerations, imagesEdits, audioSpeech, audioTranscriptions, audioTranslations, moderations, rerank
]

const byPath: ReadonlyMap<string, Operation> = new Map(operations.map(operation => [operation.path, operation]))

/** The operation that answers a POST to `url` (a path, with its query or without), Azure's paths included. */
export function operationAt(url: string): Operation | undefined {
  const plain = byPath.get(url)
  if (plain) return plain
  const query = url.indexOf('?')
  const path = query === -1 ? url : url.slice(0, query)
  return path.startsWith('/openai/') ? findAzureOperation(path, byPath) : byPath.get(path)
}
