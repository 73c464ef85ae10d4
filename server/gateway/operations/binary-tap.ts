import { LoomError } from '../../errors'
import { ByteCollector } from '../../utils/byte-collector'
import type { UpstreamResponse } from '../providers/provider'
import type { StreamTap } from './operation'

/** Sound up to this size stands in the trace as base64; of more, only how much it was. */
const MAX_RECORDED_BYTES = 64 * 1024

/** Passes bytes on that are no events, such as sound. Its end is the end of the connection; a failure in the middle breaks that off. */
export class BinaryTap implements StreamTap {
  readonly contentType: string
  readonly done = false
  readonly usage = undefined
  readonly rawUsage = undefined
  readonly text = ''
  private bytes = 0
  private readonly kept = new ByteCollector()

  /**
   * @param maxBytes more than any such answer has
   * @param tokensIn our own measure of so many bytes
   */
  constructor(headers: UpstreamResponse['headers'], private readonly maxBytes: number, private readonly tokensIn: (bytes: number) => number) {
    this.contentType = headers['content-type'] ?? 'application/octet-stream'
  }

  get whole(): boolean {
    return this.bytes > 0
  }

  get outputTokens(): number {
    return this.tokensIn(this.bytes)
  }

  push(chunk: Buffer): Buffer[] {
    this.bytes += chunk.length
    if (this.bytes > this.maxBytes) throw new LoomError('upstream_error', `The provider sent more than ${this.maxBytes} bytes, more than the answer to this call can have.`)
    if (this.bytes <= MAX_RECORDED_BYTES) this.kept.push(chunk)
    else this.kept.clear()
    return [chunk]
  }

  end(): Buffer[] {
    return []
  }

  record(): Buffer {
    const isSmall = this.bytes <= MAX_RECORDED_BYTES
    return Buffer.from(JSON.stringify({ content_type: this.contentType, bytes: this.bytes, ...(isSmall && { base64: this.kept.bytes().toString('base64') }) }))
  }

  closing(): Buffer {
    return Buffer.alloc(0)
  }

  failure(): null {
    return null
  }
}
