import type { H3Event } from 'h3'
import { getRequestHeader, getRequestHeaders } from 'h3'
import { LoomError } from '../errors'
import { readBoundedBody } from './read-request'

/**
 * The event as a web `Request` for a library that takes those, its body read and bounded. `override` replaces headers, whatever the
 * caller sent under those names; null leaves them out.
 * @throws {LoomError} `body_too_large`, or `invalid_request` for a `Host` that is none
 */
export async function boundedWebRequest(event: H3Event, maxBytes: number, override: Record<string, string | null>): Promise<Request> {
  const address = `http://${getRequestHeader(event, 'host') ?? 'localhost'}${event.path}`
  if (!URL.canParse(address)) throw new LoomError('invalid_request', 'The Host header is not valid.')
  const headers = new Headers()
  for (const [name, value] of Object.entries({ ...getRequestHeaders(event), ...override })) if (value) headers.set(name, value)
  const hasBody = event.method !== 'GET' && event.method !== 'HEAD'
  const body = hasBody ? new Uint8Array(await readBoundedBody(event, maxBytes)) : undefined
  return new Request(address, { method: event.method, headers, body })
}
