import { createServer } from 'node:http'
import { Pool } from 'undici'

/**
 * The least a proxy in Node can do: read the body, send it on over keep-alive connections, pipe the answer back. No
 * authentication, no policy, no ledger, no trace. What Loom takes beyond this is what its work costs.
 */
const [upstream = '', port = ''] = process.argv.slice(2)
const pool = new Pool(upstream, { connections: 512 })

createServer((request, response) => {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    const abort = new AbortController()
    response.on('close', () => {
      if (!response.writableEnded) abort.abort()
    })
    pool.request({ method: 'POST', path: request.url ?? '/', headers: { 'content-type': 'application/json' }, body: Buffer.concat(chunks), signal: abort.signal }).then(
      (answer) => {
        response.writeHead(answer.statusCode, { 'content-type': String(answer.headers['content-type']) })
        answer.body.on('error', () => response.destroy()).pipe(response)
      },
      () => response.writeHead(502).end()
    )
  })
}).listen(Number(port), '127.0.0.1', () => process.send?.('ready'))

process.on('disconnect', () => process.exit(0))
