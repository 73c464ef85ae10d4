import { toApiError } from '~/utils/api-error'
import { SILENCE_MAX_MS } from '~/utils/read-server-events'
import type { Translate } from './translate'

/**
 * Opens an event stream; undefined when there is nothing to follow.
 * @throws {ApiError} when the server refuses, and whatever says that it cannot be reached or stays silent
 */
export async function openChatStream(path: string, options: { method: 'GET' | 'POST', body?: object, signal: AbortSignal }, t: Translate): Promise<ReadableStream<Uint8Array> | undefined> {
  const silence = new AbortController()
  const timer = setTimeout(() => silence.abort(), SILENCE_MAX_MS)
  const response = await fetch(path, {
    method: options.method,
    signal: AbortSignal.any([options.signal, silence.signal]),
    headers: { 'accept': 'text/event-stream', 'content-type': 'application/json' },
    body: options.body && JSON.stringify(options.body)
  }).finally(() => clearTimeout(timer))
  if (response.status === 204) return undefined
  if (!response.ok || !response.body) throw toApiError({ statusCode: response.status, data: await readJson(response) }, t)
  return response.body
}

async function readJson(response: Response): Promise<unknown> {
  const text = await response.text()
  try {
    return JSON.parse(text)
  } catch (error) {
    console.warn(`A reply with status ${response.status} was no JSON`, error)
    return undefined
  }
}
