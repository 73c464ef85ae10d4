import { channel } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { Server as HttpServer } from 'node:http'
import { Server as HttpsServer } from 'node:https'

export type WebServer = HttpServer | HttpsServer

/**
 * Resolves once the web server listens, with its port; undefined where it listens on a socket with a name. Call it before: Nitro makes
 * the server and gives it to nobody, so it is met where Node announces that it will listen. Nor does anybody else hear of one that
 * cannot: the process would live on without it.
 * @param prepare is given the server before it listens
 * @throws {Error} one clear message for the operator
 */
export function awaitListening(prepare: (server: WebServer) => void): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    channel('tracing:net.server.listen:asyncStart').subscribe((message) => {
      if (typeof message !== 'object' || message === null || !('server' in message)) return
      const { server } = message
      if (!(server instanceof HttpServer || server instanceof HttpsServer)) return
      prepare(server)
      once(server, 'listening').then(() => resolve(portOf(server)), (error: unknown) => reject(new Error(explain(error), { cause: error })))
    })
  })
}

function portOf(server: WebServer): number | undefined {
  const address = server.address()
  return typeof address === 'object' ? address?.port : undefined
}

/** Why it does not listen, and what to do about it. */
function explain(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const code = 'code' in error ? error.code : undefined
  const port = 'port' in error ? Number(error.port) : 0
  if (code === 'EADDRINUSE' && port > 0) return `Port ${port} is taken. Stop what listens there, or set PORT to another one.`
  if (code === 'EACCES' && port > 0) return `Port ${port} is not for this user to listen on. Set PORT to one above 1023.`
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND' || code === 'EAI_AGAIN') return 'HOST is no address of this machine. Set it to one that is, or leave it unset to listen on all.'
  return error.message
}
