import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'

/** Of a `Bind` in PostgreSQL's protocol: with it, a client has a statement executed. */
const BIND = 'B'.charCodeAt(0)

/** Of all that makes it answer a client that it has let in: these, a `Parse` and a `Query`. */
const ASKING = Buffer.from('BPQ')

/** Stands between PostgreSQL and its client, and may lose what the server says. */
export interface LossyProxy {
  /** The server's URL, by way of the proxy. */
  url: string
  /** What is executed from now on is, but its client hears no more on that connection. */
  loseAnswers: () => void
  /** The same of all that is asked from now on, also of what a driver asks a new connection for itself: it opens, and then hears no more. */
  loseEverything: () => void
  /** Breaks every connection; new ones lose nothing. */
  cut: () => void
  /** Connections to come are heard by nobody before `open`. */
  silence: () => void
  /** Breaks every connection, and refuses those to come before `open`. */
  leave: () => void
  /** Connections to come are heard, and so are those that were silent; what was lost on others stays so. */
  open: () => void
  stop: () => Promise<void>
}

/** @param target URL of the server */
export async function startLossyProxy(target: string): Promise<LossyProxy> {
  const { hostname, port } = new URL(target)
  const sockets = new Set<Socket>()
  const silent = new Set<Socket>()
  let losing: (message: number | undefined) => boolean = () => false
  let state: 'open' | 'silent' | 'away' = 'open'
  const server = createServer((client) => {
    if (state === 'away') return client.resetAndDestroy()
    const upstream = connect(Number(port), hostname)
    for (const [socket, other] of [[client, upstream], [upstream, client]] as const) {
      sockets.add(socket)
      socket.on('error', () => {}).on('close', () => {
        sockets.delete(socket)
        other.destroy()
      })
    }
    let lost = false
    client.on('data', (chunk: Buffer) => {
      lost ||= losing(chunk[0])
      upstream.write(chunk)
    })
    upstream.on('data', (chunk: Buffer) => {
      if (!lost) client.write(chunk)
    })
    if (state === 'silent') silent.add(client.pause())
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address() as AddressInfo
  const cut = () => {
    losing = () => false
    for (const socket of sockets) socket.destroy()
  }
  const url = new URL(target)
  url.hostname = '127.0.0.1'
  url.port = String(address.port)
  return {
    url: url.href,
    loseAnswers: () => {
      losing = message => message === BIND
    },
    loseEverything: () => {
      losing = message => message !== undefined && ASKING.includes(message)
    },
    cut,
    silence: () => {
      state = 'silent'
    },
    leave: () => {
      state = 'away'
      cut()
    },
    open: () => {
      state = 'open'
      losing = () => false
      for (const client of silent) client.resume()
      silent.clear()
    },
    stop: async () => {
      const closed = once(server, 'close')
      server.close()
      cut()
      await closed
    }
  }
}
