import { Readable } from 'node:stream'
import type { UpstreamResponse } from './provider'
import type { EventTranslation } from './translate-events'
import { translateEvents } from './translate-events'

/** The upstream's answer with its events translated as they arrive. */
export function streamedResponse({ status, headers, body }: UpstreamResponse, translation: EventTranslation): UpstreamResponse {
  return { status, headers: withoutFraming(headers, 'text/event-stream; charset=utf-8'), body: translateEvents(body, translation) }
}

/** The upstream's answer with `value` as its body. */
export function jsonResponse({ status, headers }: Pick<UpstreamResponse, 'status' | 'headers'>, value: object): UpstreamResponse {
  const json = Buffer.from(JSON.stringify(value))
  return {
    status,
    headers: { ...withoutFraming(headers, 'application/json'), 'content-length': String(json.length) },
    body: Readable.from([json], { objectMode: false })
  }
}

/** What told how the old body was written says nothing of the new one. */
function withoutFraming(headers: Record<string, string>, contentType: string): Record<string, string> {
  const { 'content-length': _length, 'transfer-encoding': _transfer, 'content-encoding': _encoding, ...rest } = headers
  return { ...rest, 'content-type': contentType }
}
