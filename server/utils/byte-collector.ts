/** How many chunks are kept as they came. An ordinary body has fewer. */
const MAX_LOOSE_CHUNKS = 1_024

/** Bytes kept as they come. A Buffer takes hundreds of bytes of its own, and a sender may send one for each byte: many small ones are copied together on the way. */
export class ByteCollector {
  /** Bytes kept. */
  size = 0
  private chunks: Buffer[] = []
  /** How many of the first chunks were copied together. */
  private joined = 0

  push(chunk: Buffer): void {
    this.chunks.push(chunk)
    this.size += chunk.length
    if (this.chunks.length - this.joined < MAX_LOOSE_CHUNKS) return
    this.chunks.push(Buffer.concat(this.chunks.splice(this.joined)))
    this.joined++
  }

  /** All of them. */
  bytes(): Buffer {
    const [only] = this.chunks
    if (only && this.chunks.length === 1) return only
    const whole = Buffer.concat(this.chunks, this.size)
    this.chunks = [whole]
    this.joined = 1
    return whole
  }

  clear(): void {
    this.chunks = []
    this.joined = 0
    this.size = 0
  }
}
