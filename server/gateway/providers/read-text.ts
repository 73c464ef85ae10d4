import type { Readable } from 'node:stream'
import { LoomError } from '../../errors'

/**
 * The whole body as text.
 * @throws {LoomError} `upstream_error` past `limitBytes`, the connection closed; what the body itself fails with
 */
export async function readText(body: Readable, limitBytes: number): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of body) {
    const bytes = Buffer.from(chunk)
    size += bytes.length
    if (size > limitBytes) {
      body.destroy()
      throw new LoomError('upstream_error', `The provider's answer is larger than ${limitBytes} bytes.`)
    }
    chunks.push(bytes)
  }
  return Buffer.concat(chunks).toString('utf8')
}
