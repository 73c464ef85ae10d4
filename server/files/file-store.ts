import { join } from 'node:path'
import { createStorage } from 'unstorage'
import fsDriver from 'unstorage/drivers/fs-lite'
import s3Driver from 'unstorage/drivers/s3'
import type { Config } from '../config'
import { ByteCollector } from '../utils/byte-collector'

/** Where the bytes of files and artifacts lie: a folder, or a bucket that speaks S3. */
export interface FileStore {
  /** Keeps what `chunks` gives, all of it or, when it throws, nothing that anybody finds. */
  write: (key: string, chunks: AsyncIterable<Uint8Array>) => Promise<void>
  /** @throws {NothingKeptError} when nothing is kept under `key` */
  read: (key: string) => Promise<Buffer>
  /** Safe to repeat. */
  remove: (key: string) => Promise<void>
}

/** What should be there is not. */
export class NothingKeptError extends Error {
  override name = 'NothingKeptError'
}

type StoreConfig = Pick<Config, 'LOOM_DATA_DIR' | 'FILES_S3_ENDPOINT' | 'FILES_S3_BUCKET' | 'FILES_S3_REGION' | 'FILES_S3_ACCESS_KEY_ID' | 'FILES_S3_SECRET_ACCESS_KEY'>

export function openFileStore(config: StoreConfig): FileStore {
  const bucket = toBucket(config)
  const storage = createStorage({ driver: bucket ? s3Driver(bucket) : fsDriver({ base: join(config.LOOM_DATA_DIR, 'files') }) })
  return {
    async write(key, chunks) {
      try {
        // The folder's driver writes as the bytes come. A request to a bucket is signed with their hash and tells their length, so it takes them whole.
        await storage.setItemRaw(key, bucket ? await collect(chunks) : chunks)
      } catch (error) {
        await storage.removeItem(key)
        throw error
      }
    },
    async read(key) {
      const bytes = await storage.getItemRaw<Buffer | ArrayBuffer>(key)
      if (!bytes) throw new NothingKeptError(`The file store has nothing under ${key}`)
      return bytes instanceof ArrayBuffer ? Buffer.from(bytes) : bytes
    },
    remove: key => storage.removeItem(key)
  }
}

async function collect(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const file = new ByteCollector()
  for await (const chunk of chunks) file.push(Buffer.from(chunk))
  return file.bytes()
}

function toBucket({ FILES_S3_ENDPOINT: endpoint, FILES_S3_BUCKET: bucket, FILES_S3_REGION: region, FILES_S3_ACCESS_KEY_ID: accessKeyId, FILES_S3_SECRET_ACCESS_KEY: secretAccessKey }: StoreConfig) {
  return endpoint && bucket && accessKeyId && secretAccessKey ? { endpoint, bucket, region, accessKeyId, secretAccessKey } : undefined
}
