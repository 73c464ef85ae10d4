import type { MediaOperationName, OperationName } from '../operations/operation-name'
import { encodeBody } from './encode-body'
import type { ProviderRequest, UpstreamRequest } from './provider'

/** Where OpenAI's format has its operations beside chat, under its base URL. */
const mediaPaths: Readonly<Record<MediaOperationName, string>> = {
  'embeddings': 'embeddings',
  'images.generations': 'images/generations',
  'images.edits': 'images/edits',
  'audio.speech': 'audio/speech',
  'audio.transcriptions': 'audio/transcriptions',
  'audio.translations': 'audio/translations',
  'moderations': 'moderations',
  'rerank': 'rerank'
}

/** Undefined where the operation is none of those, or among `without`. */
export function mediaPath(operation: OperationName, without: readonly OperationName[] = []): string | undefined {
  return without.includes(operation) ? undefined : Object.entries(mediaPaths).find(([name]) => name === operation)?.[1]
}

/** The caller's body under the model's name upstream, with the headers that tell how it is written. The answer may be JSON, text or sound. */
export function mediaRequest({ body, form, upstreamModel }: ProviderRequest): Pick<UpstreamRequest, 'headers' | 'body'> {
  if (!form) return { headers: { accept: '*/*' }, body: encodeBody({ ...body, model: upstreamModel }) }
  return { headers: { 'accept': '*/*', 'content-type': form.contentType, 'content-length': String(form.bytes) }, body: form.read() }
}
