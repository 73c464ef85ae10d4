import { once } from 'node:events'
import type { H3Event } from 'h3'
import { setResponseHeaders } from 'h3'

/**
 * Answers with a file that is made as it is read: what makes it waits for a reader who is slow, and ends with one who leaves.
 * A failure on the way breaks the connection off, so that half a file is not taken for a whole one.
 */
export async function sendLines(event: H3Event, file: { type: string, name: string }, make: (signal: AbortSignal) => AsyncIterable<string>): Promise<void> {
  const response = event.node.res
  const left = new AbortController()
  response.on('close', () => left.abort())
  setResponseHeaders(event, { 'content-type': file.type, 'content-disposition': `attachment; filename="${file.name}"` })
  try {
    for await (const text of make(left.signal)) {
      if (left.signal.aborted) return
      if (!response.write(text)) await once(response, 'drain', { signal: left.signal })
    }
  } catch (error) {
    if (left.signal.aborted) return
    throw error
  }
  response.end()
}
