import { toApiError } from '~/utils/api-error'
import type { Translate } from './translate'

/**
 * Opens the event stream of an answer; undefined when there is none to follow.
 * @throws {ApiError} when the server refuses or cannot be reached
 */
export async function openChatStream(path: string, options: { method: 'GET' | 'POST', body?: object, signal: AbortSignal }, t: Translate): Promise<ReadableStream<Uint8Array> | undefined> {
  const response = await fetch(path, {
    method: options.method,
    signal: options.signal,
    headers: { 'accept': 'text/event-stream', 'content-type': 'application/json' },
    body: options.body && JSON.stringify(options.body)
  })
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
