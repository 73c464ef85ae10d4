import { Pool } from 'undici'

/** A process of its own: asks in each of those conversations as a browser does, and reads what is answered until the process is told to end. */
const [url = '', cookie = '', ...conversations] = process.argv.slice(2)
const pool = new Pool(url, { connections: conversations.length })
let speaking = 0

async function read(id: string): Promise<void> {
  const { statusCode, body } = await pool.request({
    method: 'POST',
    path: `/api/conversations/${id}/messages`,
    headers: { cookie, 'origin': url, 'content-type': 'application/json' },
    body: JSON.stringify({ text: 'Tell me everything', model: 'endless-50' })
  })
  if (statusCode !== 200) throw new Error(`A stream began with ${statusCode}: ${await body.text()}`)
  let silent = true
  for await (const chunk of body) {
    if (!silent || !String(chunk).includes('event: delta')) continue
    silent = false
    speaking += 1
    if (speaking === conversations.length) process.send?.('ready')
  }
}

process.on('disconnect', () => process.exit(0))
await Promise.all(conversations.map(read))
