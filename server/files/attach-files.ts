import { and, inArray, sql } from 'drizzle-orm'
import type { Orm } from '../../db/client'
import { files } from '../../db/schema'
import type { Scope } from '../projects/scope'
import { fileNotFound, filesInScope } from './select-files'

/** A file as a part of a message has it. */
export interface AttachedFile {
  type: 'image' | 'file'
  fileId: string
  name: string
  mime: string
  sizeBytes: number
}

/**
 * Marks files as sent, in the transaction that sends them, so that the message keeps them for good. In the order of `ids`, each once.
 * @throws {LoomError} `not_found` when the scope lacks one of them
 */
export async function attachFiles(tx: Orm, scope: Scope, ids: readonly string[]): Promise<AttachedFile[]> {
  const wanted = [...new Set(ids)]
  if (wanted.length === 0) return []
  const rows = await tx.update(files)
    .set({ sentAt: sql`coalesce(${files.sentAt}, now())` })
    .where(and(filesInScope(scope), inArray(files.id, wanted)))
    .returning({ fileId: files.id, kind: files.kind, name: files.name, mime: files.mime, sizeBytes: files.sizeBytes })
  return wanted.map((id) => {
    const row = rows.find(({ fileId }) => fileId === id)
    if (!row) throw fileNotFound()
    const { kind, ...file } = row
    return { type: kind === 'image' ? 'image' : 'file', ...file }
  })
}
