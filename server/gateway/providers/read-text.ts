import type { Readable } from 'node:stream'
import { LoomError } from '../../errors'
import { ByteCollector } from '../../utils/byte-collector'
import { MAX_ANSWER_BYTES, requireTakeable, tooLarge } from '../answer-limits'

/**
 * The whole body as text.
 * @throws {LoomError} `upstream_error` past `limitBytes`, the connection closed; what the body itself fails with
 */
export async function readText(body: Readable, limitBytes: number): Promise<string> {
  const bytes = await read(body, limitBytes, new LoomError('upstream_error', `The provider's answer is larger than ${limitBytes} bytes.`))
  return bytes.toString('utf8')
}

/**
 * An answer to a call, as text.
 * @throws {UnansweredError} past 64 MiB, the connection closed, and for what would take too much memory once it is parsed; what the body itself fails with
 */
export async function readAnswerText(body: Readable): Promise<string> {
  const bytes = await read(body, MAX_ANSWER_BYTES, tooLarge('answer'))
  requireTakeable(bytes, 'answer')
  return bytes.toString('utf8')
}

async function read(body: Readable, limitBytes: number, failure: LoomError): Promise<Buffer> {
  const bytes = new ByteCollector()
  for await (const chunk of body) {
    bytes.push(Buffer.from(chunk))
    if (bytes.size > limitBytes) {
      body.destroy()
      throw failure
    }
  }
  return bytes.bytes()
}
