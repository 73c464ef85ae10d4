import { createParser } from 'eventsource-parser'
import type { z } from 'zod'
import { KEEP_ALIVE_MS } from '#shared/keep-alive'

/** An event of a stream, with the id to go on after when the connection breaks. */
export interface NumberedEvent<Event> { id: number, event: Event }

/** A connection without a byte for so long is dead, though nobody said so: as one is whose network was changed or put to sleep. */
export const SILENCE_MAX_MS = 3 * KEEP_ALIVE_MS

/**
 * The events of a stream as they arrive. Ends when the connection does: whether an answer ended too is said by its
 * last event.
 * @param loadSchema asked for at the first event
 * @throws whatever broke the connection, {Error} when it has fallen silent, and {ZodError} for an event nobody knows
 */
export async function* readServerEvents<Schema extends z.ZodType>(body: ReadableStream<Uint8Array>, loadSchema: () => Promise<Schema>): AsyncGenerator<NumberedEvent<z.infer<Schema>>> {
  const arrived: { id: number, data: string }[] = []
  const parser = createParser({
    onEvent: ({ id, data }) => { arrived.push({ id: Number(id ?? 0), data }) }
  })
  const decoder = new TextDecoder()
  const reader = body.getReader()
  try {
    for (let chunk = await readInTime(reader); !chunk.done; chunk = await readInTime(reader)) {
      parser.feed(decoder.decode(chunk.value, { stream: true }))
      for (const { id, data } of arrived.splice(0)) yield { id, event: (await loadSchema()).parse(JSON.parse(data)) }
    }
  } finally {
    // Not waited for, a dead connection may never say that it ended; and what broke it is thrown already.
    void reader.cancel().catch(() => undefined)
  }
}

async function readInTime(reader: ReadableStreamDefaultReader<Uint8Array>) {
  let timer: ReturnType<typeof setTimeout> | undefined
  const silence = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('The connection has fallen silent')), SILENCE_MAX_MS)
  })
  try {
    return await Promise.race([reader.read(), silence])
  } finally {
    clearTimeout(timer)
  }
}
