import { createParser } from 'eventsource-parser'
import type { z } from 'zod'

/** An event of a stream, with the id to go on after when the connection breaks. */
export interface NumberedEvent<Event> { id: number, event: Event }

/**
 * The events of an answer as they arrive. Ends when the connection does: whether the answer ended too is said by its
 * last event.
 * @throws whatever broke the connection, and {ZodError} for an event nobody knows
 */
export async function* readServerEvents<Schema extends z.ZodType>(body: ReadableStream<Uint8Array>, schema: Schema): AsyncGenerator<NumberedEvent<z.infer<Schema>>> {
  const arrived: NumberedEvent<z.infer<Schema>>[] = []
  const parser = createParser({
    onEvent: ({ id, data }) => { arrived.push({ id: Number(id ?? 0), event: schema.parse(JSON.parse(data)) }) }
  })
  const decoder = new TextDecoder()
  const reader = body.getReader()
  try {
    for (let chunk = await reader.read(); !chunk.done; chunk = await reader.read()) {
      parser.feed(decoder.decode(chunk.value, { stream: true }))
      yield* arrived.splice(0)
    }
  } finally {
    await reader.cancel()
  }
}
