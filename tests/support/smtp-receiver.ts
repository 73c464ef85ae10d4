import { once } from 'node:events'
import { createServer } from 'node:net'
import type { Socket } from 'node:net'

export interface ReceivedMail { to: string[], text: string }

export interface SmtpReceiver {
  url: string
  received: ReceivedMail[]
  stop: () => Promise<void>
}

/** A mail server that takes every mail and keeps it: as much of RFC 5321 as a sender needs. */
export async function startSmtpReceiver(): Promise<SmtpReceiver> {
  const received: ReceivedMail[] = []
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket.once('close', () => sockets.delete(socket)))
    serve(socket, mail => received.push(mail))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('a TCP server has an address with a port')
  return {
    url: `smtp://127.0.0.1:${address.port}`,
    received,
    stop: async () => {
      sockets.forEach(socket => socket.destroy())
      server.close()
      await once(server, 'close')
    }
  }
}

function serve(socket: Socket, keep: (mail: ReceivedMail) => void) {
  let [pending, body, to]: [string, string[] | undefined, string[]] = ['', undefined, []]
  const say = (line: string) => socket.write(`${line}\r\n`)
  const hear = (line: string) => {
    if (body) {
      if (line !== '.') return void body.push(line)
      keep({ to, text: body.join('\n') })
      ;[body, to] = [undefined, []]
      return say('250 kept')
    }
    if (/^RCPT TO:/i.test(line)) to.push(line.replace(/^RCPT TO:<(.*)>.*$/i, '$1'))
    if (/^QUIT/i.test(line)) return socket.end('221 bye\r\n')
    if (!/^DATA/i.test(line)) return say('250 ok')
    body = []
    say('354 go on')
  }
  socket.on('error', () => socket.destroy()).on('data', (chunk) => {
    const lines = (pending + chunk.toString('utf8')).split('\r\n')
    pending = lines.pop() ?? ''
    lines.forEach(hear)
  })
  say('220 loom.test')
}
