import { z } from 'zod'
import { Id, QueryFlag, Timestamp } from './json'

/** `text` is anything that is valid UTF-8: code, data, Markdown. */
export const fileKinds = ['image', 'pdf', 'text'] as const
export type FileKind = typeof fileKinds[number]

/** Files a message may carry. */
export const MESSAGE_FILES_MAX = 20

const FILE_NAME_MAX = 200
// Control characters, and those that turn the direction of writing so that `gpj.exe` reads as `exe.jpg`.
const UNSEEN = /[\p{Cc}\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/gu

/** A name to be shown and downloaded by: its last path segment without what cannot be seen; never empty. */
export function toFileName(name: string): string {
  const [last = ''] = name.toWellFormed().replace(UNSEEN, '').split(/[/\\]/).slice(-1)
  const kept = last.trim().replace(/^\.+$/, '')
  if (kept.length <= FILE_NAME_MAX) return kept || 'file'
  const extension = /\.\w{1,10}$/.exec(kept)?.[0] ?? ''
  return kept.slice(0, FILE_NAME_MAX - extension.length).toWellFormed() + extension
}

export const StoredFile = z.object({
  id: Id,
  projectId: Id,
  name: z.string(),
  kind: z.enum(fileKinds),
  mime: z.string(),
  sizeBytes: z.int(),
  inProject: z.boolean(),
  createdAt: Timestamp
})
export type StoredFile = z.infer<typeof StoredFile>

/**
 * `POST /api/projects/{id}/files`: the body is the file's bytes as they are, its `content-type` what they are said to be. Answers 201 with the StoredFile;
 * 413 `body_too_large`, 400 `invalid_request` when it is of no kind that is taken, or not what it is said to be.
 */
export const UploadQuery = z.object({
  name: z.string().max(2_000).default('file').transform(toFileName),
  /** Also gives it to all conversations of the project. */
  inProject: QueryFlag
})
export type UploadQuery = z.infer<typeof UploadQuery>

/** `GET /api/projects/{id}/files`: those of the project itself, oldest first. `DELETE /api/files/{id}` takes one away, `POST …/restore` brings it back. */
export const ProjectFiles = z.object({ files: z.array(StoredFile) })
export type ProjectFiles = z.infer<typeof ProjectFiles>
