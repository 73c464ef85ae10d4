import type { Readable } from 'node:stream'
import { LoomError } from '../../errors'
import { ByteCollector } from '../../utils/byte-collector'

/**
 * The whole body as text.
 * @throws {LoomError} `upstream_error` past `limitBytes`, the connection closed; what the body itself fails with
 */
export async function readText(body: Readable, limitBytes: number): Promise<string> {
  const text = new ByteCollector()
  for await (const chunk of body) {
    text.push(Buffer.from(chunk))
    if (text.size > limitBytes) {
      body.destroy()
      throw new LoomError('upstream_error', `The provider's answer is larger than ${limitBytes} bytes.`)
    }
  }
  return text.bytes().toString('utf8')
}
