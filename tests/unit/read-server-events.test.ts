import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { z } from 'zod'
import { readServerEvents } from '../../app/utils/read-server-events'
import { KEEP_ALIVE_MS } from '../../shared/keep-alive'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
})
afterEach(() => {
  vi.useRealTimers()
})

/** A connection whose bytes are given by hand. */
function connect() {
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>()
  const writer = writable.getWriter()
  const give = (text: string) => writer.write(new TextEncoder().encode(text))
  return { give, close: () => writer.close(), events: readServerEvents(readable, () => Promise.resolve(z.object({ text: z.string() }))) }
}

test('events come with their ids, however their bytes are cut', async () => {
  const { give, close, events } = connect()
  void give('id: 7\ndata: {"text":"wa').then(() => give('rp"}\n\nid: 8\nda')).then(() => give('ta: {"text":"weft"}\n\n')).then(close)
  expect(await Array.fromAsync(events)).toEqual([{ id: 7, event: { text: 'warp' } }, { id: 8, event: { text: 'weft' } }])
})

test('a connection that says nothing at all is given up, one that is kept alive is not', async () => {
  const { give, events } = connect()
  const first = events.next()
  for (let beat = 0; beat < 20; beat += 1) {
    await vi.advanceTimersByTimeAsync(KEEP_ALIVE_MS)
    await give(': keep-alive\n\n')
  }
  await give('id: 1\ndata: {"text":"still here"}\n\n')
  expect((await first).value).toEqual({ id: 1, event: { text: 'still here' } })
  const second = expect(events.next()).rejects.toThrow('fallen silent')
  await vi.advanceTimersByTimeAsync(3 * KEEP_ALIVE_MS)
  await second
})
