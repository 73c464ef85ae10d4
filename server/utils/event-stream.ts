import type { H3Event } from 'h3'
import { getHeader, setResponseHeaders } from 'h3'
import { KEEP_ALIVE_MS } from '../../shared/keep-alive'

/** Bytes waiting for a reader too slow to take them, beside the largest event it was sent, as a snapshot; one that is given more then is cut off, for it can come back and read another. */
const BACKLOG_MAX_BYTES = 4 * 1024 * 1024

/**
 * Answers with server-sent events until `source` resolves or the reader leaves; `signal` then tells the source.
 * Node's own stream: a web stream would neither tell of a reader who left nor of one too slow.
 */
export async function sendEvents<Event extends { type: string }>(
  event: H3Event, source: (emit: (item: { id: number, event: Event }) => void, signal: AbortSignal) => Promise<void>
): Promise<void> {
  const response = event.node.res
  const left = new AbortController()
  response.on('close', () => left.abort())
  if (response.destroyed) left.abort()
  setResponseHeaders(event, { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-store, no-transform', 'x-accel-buffering': 'no' })
  response.flushHeaders()
  let largest = 0
  const write = (text: string) => {
    // Writing to a closed response is an error event, which nobody would catch.
    if (response.destroyed) return
    if (response.writableLength > BACKLOG_MAX_BYTES + largest) return void response.destroy()
    largest = Math.max(largest, Buffer.byteLength(text))
    response.write(text)
  }
  const keepAlive = setInterval(write, KEEP_ALIVE_MS, ': keep-alive\n\n')
  try {
    await source(item => write(encodeServerEvent(item.id, item.event)), left.signal)
  } finally {
    clearInterval(keepAlive)
  }
  if (!response.destroyed) response.end()
}

/** The last event that a reader who comes back has seen, as browsers tell it; 0 without one. */
export function readLastEventId(event: H3Event): number {
  const id = Number(getHeader(event, 'last-event-id') ?? 0)
  return Number.isSafeInteger(id) && id > 0 ? id : 0
}

/** JSON holds no line break, so it is one `data` line. */
export function encodeServerEvent(id: number, item: { type: string }): string {
  return `id: ${id}\nevent: ${item.type}\ndata: ${JSON.stringify(item)}\n\n`
}
