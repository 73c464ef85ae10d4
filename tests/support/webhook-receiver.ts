import { once } from 'node:events'
import { createServer } from 'node:http'
import type { IncomingHttpHeaders } from 'node:http'

export interface ReceivedRequest { headers: IncomingHttpHeaders, body: string }

export interface WebhookReceiver {
  url: string
  received: ReceivedRequest[]
  /** What it answers from now on. */
  answer: { status: number, location?: string }
  stop: () => Promise<void>
}

/** A server that keeps what is posted to it. */
export async function startWebhookReceiver(): Promise<WebhookReceiver> {
  const received: ReceivedRequest[] = []
  const answer: WebhookReceiver['answer'] = { status: 204 }
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk)).on('end', () => {
      received.push({ headers: request.headers, body: Buffer.concat(chunks).toString('utf8') })
      response.writeHead(answer.status, answer.location === undefined ? {} : { location: answer.location }).end()
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('a TCP server has an address with a port')
  return {
    url: `http://127.0.0.1:${address.port}/hook`,
    received,
    answer,
    stop: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    }
  }
}
