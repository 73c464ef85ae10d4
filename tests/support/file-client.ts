import { StoredFile } from '../../shared/files'
import type { LoomServer } from './loom-server'
import type { ApiAnswer } from './chat-client'

/** A picture of one pixel. */
export const PIXEL = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==', 'base64')

/** Uploads as somebody with these credentials. */
export class FileClient {
  constructor(private readonly loom: LoomServer, private readonly credentials: Record<string, string>, readonly projectId: string) {}

  async send(name: string, bytes: Uint8Array | string, type = 'application/octet-stream', query = ''): Promise<ApiAnswer> {
    const response = await fetch(`${this.loom.url}/api/projects/${this.projectId}/files?name=${encodeURIComponent(name)}${query}`, {
      method: 'POST', headers: { ...this.credentials, 'origin': this.loom.url, 'content-type': type }, body: Buffer.from(bytes)
    })
    return { status: response.status, body: await response.json() }
  }

  /** Fails the test unless it is taken. */
  async upload(name: string, bytes: Uint8Array | string, type?: string, query?: string): Promise<StoredFile> {
    return StoredFile.parse((await this.send(name, bytes, type, query)).body)
  }
}
