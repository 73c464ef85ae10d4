import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { connect } from 'node:net'
import { createApp, defineEventHandler, toNodeListener } from 'h3'
import { afterEach, expect, test } from 'vitest'
import { sendEvents } from '../../server/utils/event-stream'

const MIB = 1024 * 1024
let end: () => Promise<unknown> = () => Promise.resolve()
afterEach(() => end())

/** A reader who takes nothing until all of that was sent, and then what is left for them. */
async function readLate(sizes: number[]): Promise<string> {
  const sent = Promise.withResolvers<unknown>()
  const server = createServer(toNodeListener(createApp().use(defineEventHandler(event => sendEvents<{ type: string, text: string }>(event, async (emit) => {
    sizes.forEach((size, id) => emit({ id, event: { type: 'piece', text: 'x'.repeat(size) } }))
    sent.resolve(undefined)
  })))))
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  const socket = connect(port, '127.0.0.1')
  end = () => {
    socket.destroy()
    return once(server.close(), 'close')
  }
  socket.pause().write('GET / HTTP/1.1\r\nhost: loom\r\nconnection: close\r\n\r\n')
  await sent.promise
  let text = ''
  socket.setEncoding('utf8').on('data', (piece: string) => text += piece).on('error', () => {}).resume()
  await once(socket, 'close')
  return text
}

test('a reader who is given a large snapshot, and a piece before they took it, gets both', async () => {
  expect(await readLate([24 * MIB, 10])).toMatch(/"text":"xxxxxxxxxx"\}\n\n\r\n0\r\n\r\n$/)
})

test('a reader for whom too much waits beside the largest piece is cut off', async () => {
  expect(await readLate([...Array.from({ length: 40 }, () => MIB), 10])).not.toContain('"text":"xxxxxxxxxx"}')
})
