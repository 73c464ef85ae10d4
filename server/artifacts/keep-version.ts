import { createHash } from 'node:crypto'
import { v7 as uuidv7 } from 'uuid'
import type { artifacts } from '../../db/schema'
import type { FileStore } from '../files/file-store'
import { artifactMime } from '../../shared/artifacts'
import { toStorableText } from '../../shared/json'
import type { ImageBytes } from './read-image'

/** The text of a document, or an image. */
export type ArtifactContent = string | ImageBytes

type KeptVersion = Required<Pick<typeof artifacts.$inferInsert, 'id' | 'kind' | 'path' | 'mime' | 'sizeBytes' | 'sha256' | 'storageKey'>>

/** Keeps the bytes of a version. @returns what its row says of them; until somebody inserts that, nothing leads to the bytes */
export async function keepVersion(fileStore: FileStore, orgId: string, path: string, content: ArtifactContent): Promise<KeptVersion> {
  const { bytes, mime } = typeof content === 'string' ? { bytes: Buffer.from(toStorableText(content)), mime: artifactMime(path) } : content
  const id = uuidv7()
  const storageKey = `${orgId}/${id}`
  await fileStore.write(storageKey, once(bytes))
  return { id, kind: typeof content === 'string' ? 'file' : 'image', path, mime, sizeBytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex'), storageKey }
}

async function* once(bytes: Uint8Array) {
  yield await Promise.resolve(bytes)
}
