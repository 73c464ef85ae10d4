import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'

/** What an upstream writes once a request has arrived; it may go on for as long as `alive()`. */
export type RawAnswer = (write: (bytes: string | Buffer) => Promise<void>, alive: () => boolean) => Promise<void>

/** An upstream below HTTP, for answers that no HTTP server would give. Its answers are told apart by the first part of the path. */
export interface RawUpstream {
  /** The base URL behind which `name` answers. */
  baseUrl: (name: string) => string
  /** Bytes that Loom took of the answer `name`, of all its requests. */
  taken: (name: string) => number
  /** Connections on which `name` answers still. */
  open: (name: string) => number
  stop: () => Promise<void>
}

function drained(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    const settle = () => {
      socket.off('drain', settle).off('close', settle)
      resolve()
    }
    socket.on('drain', settle).on('close', settle)
  })
}

export async function startRawUpstream(answers: Record<string, RawAnswer>): Promise<RawUpstream> {
  const taken = new Map<string, number>()
  const open = new Map<string, number>()
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {}).on('close', () => sockets.delete(socket))
    socket.once('data', (request) => {
      const name = /^\w+ \/([\w-]+)\//.exec(request.toString('latin1'))?.[1] ?? ''
      open.set(name, (open.get(name) ?? 0) + 1)
      socket.on('close', () => open.set(name, (open.get(name) ?? 0) - 1)).resume()
      const write = async (bytes: string | Buffer) => {
        if (socket.destroyed) return
        taken.set(name, (taken.get(name) ?? 0) + bytes.length)
        if (!socket.write(bytes)) await drained(socket)
      }
      void answers[name]?.(write, () => !socket.destroyed).then(() => socket.end())
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    baseUrl: name => `http://127.0.0.1:${port}/${name}/v1`,
    taken: name => taken.get(name) ?? 0,
    open: name => open.get(name) ?? 0,
    stop: async () => {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    }
  }
}
