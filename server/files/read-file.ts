import { and, eq } from 'drizzle-orm'
import { files } from '../../db/schema'
import type { Scope } from '../projects/scope'
import type { Runtime } from '../runtime'
import { fileNotFound, filesInScope } from './select-files'

/** A file to be given out, whose bytes are read when somebody wants them. */
export interface ReadableFile {
  name: string
  mime: string
  sha256: string
  read: () => Promise<Buffer>
}

/** @throws {LoomError} `not_found` when the scope has no such file */
export async function readFile({ db: { orm }, fileStore }: Pick<Runtime, 'db' | 'fileStore'>, scope: Scope, id: string): Promise<ReadableFile> {
  const [file] = await orm.select({ name: files.name, mime: files.mime, sha256: files.sha256, storageKey: files.storageKey }).from(files).where(and(filesInScope(scope), eq(files.id, id)))
  if (!file) throw fileNotFound()
  const { storageKey, ...described } = file
  return { ...described, read: () => fileStore.read(storageKey) }
}
