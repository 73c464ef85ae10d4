import { randomUUID } from 'node:crypto'
import type { FileHandle } from 'node:fs/promises'
import { open, unlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ByteCollector } from '../utils/byte-collector'

/** Up to here bytes stay in memory; most things people say are shorter. */
const MAX_MEMORY_BYTES = 256 * 1024

/** Bytes kept until they are needed again: the first of them in memory, more in a file without a name, which the system deletes with the process. */
export class Spool {
  size = 0
  private readonly memory = new ByteCollector()
  private file: FileHandle | undefined

  /** Whether `append` will have to write to the disk. */
  overflows(chunk: Buffer): boolean {
    return this.file !== undefined || this.size + chunk.length > MAX_MEMORY_BYTES
  }

  /** In memory, at once: only where it does not overflow. */
  keep(chunk: Buffer): void {
    this.memory.push(chunk)
    this.size += chunk.length
  }

  /** One at a time. */
  async append(chunk: Buffer): Promise<void> {
    this.file ??= await this.spill()
    await writeAll(this.file, chunk, this.size)
    this.size += chunk.length
  }

  /** The bytes from `start` to before `end`, which must be here. */
  async read(start: number, end: number): Promise<Buffer> {
    if (!this.file) {
      return this.memory.bytes().subarray(start, end)
    }
    const { buffer, bytesRead } = await this.file.read(Buffer.allocUnsafe(end - start), 0, end - start, start)
    return buffer.subarray(0, bytesRead)
  }

  async close(): Promise<void> {
    this.memory.clear()
    await this.file?.close()
  }

  private async spill(): Promise<FileHandle> {
    const path = join(tmpdir(), `loom-upload-${randomUUID()}`)
    const file = await open(path, 'wx+', 0o600)
    await unlink(path)
    await writeAll(file, this.memory.bytes(), 0)
    this.memory.clear()
    return file
  }
}

async function writeAll(file: FileHandle, bytes: Buffer, position: number): Promise<void> {
  for (let written = 0; written < bytes.length;) written += (await file.write(bytes, written, bytes.length - written, position + written)).bytesWritten
}
