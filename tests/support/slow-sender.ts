import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { request } from 'node:http'
import { text } from 'node:stream/consumers'
import type { Visitor } from './visitor'

/** A call whose last byte is yet to come: by now the server knows who calls, and waits for the rest. */
export interface BegunCall {
  /** Sends it; the status of the answer, and what it says. */
  finish: () => Promise<{ status: number | undefined, text: string }>
}

/** Begins a call as somebody who is signed in, or sends a key. A text is sent as it stands, all else as JSON. */
export async function beginCall(visitor: Visitor, method: string, path: string, body: object | string): Promise<BegunCall> {
  const bytes = Buffer.from(typeof body === 'string' ? body : JSON.stringify(body))
  const type = typeof body === 'string' ? 'text/plain' : 'application/json'
  const headers = { ...visitor.headers, ...(visitor.cookie && { cookie: visitor.cookie }), 'origin': visitor.loom.url, 'content-type': type, 'content-length': bytes.length }
  const sending = request(visitor.loom.url + path, { method, headers })
  const answered = once(sending, 'response')
  await new Promise<void>(resolve => sending.write(bytes.subarray(0, -1), () => resolve()))
  // Nothing tells that it is known who calls, but that whoever asked later, several times in turn, has been answered.
  for (let asked = 0; asked < 5; asked++) await visitor.call('GET', '/api/session')
  return {
    async finish() {
      sending.end(bytes.subarray(-1))
      const [response]: IncomingMessage[] = await answered
      if (!response) throw new Error('An answer without a response')
      return { status: response.statusCode, text: await text(response) }
    }
  }
}
