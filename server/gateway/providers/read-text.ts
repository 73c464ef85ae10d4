import type { Readable } from 'node:stream'
import { LoomError } from '../../errors'
import { ByteCollector } from '../../utils/byte-collector'
import { MAX_ANSWER_BYTES, tooLarge } from '../answer-limits'

/**
 * The whole body as text.
 * @throws {LoomError} `upstream_error` past `limitBytes`, the connection closed; what the body itself fails with
 */
export function readText(body: Readable, limitBytes: number): Promise<string> {
  return read(body, limitBytes, new LoomError('upstream_error', `The provider's answer is larger than ${limitBytes} bytes.`))
}

/**
 * An answer to a call, as text.
 * @throws {UnansweredError} past 64 MiB, the connection closed; what the body itself fails with
 */
export function readAnswerText(body: Readable): Promise<string> {
  return read(body, MAX_ANSWER_BYTES, tooLarge('answer'))
}

async function read(body: Readable, limitBytes: number, failure: LoomError): Promise<string> {
  const text = new ByteCollector()
  for await (const chunk of body) {
    text.push(Buffer.from(chunk))
    if (text.size > limitBytes) {
      body.destroy()
      throw failure
    }
  }
  return text.bytes().toString('utf8')
}
