import { z } from './zod'
import { toFileName } from './file-name'
import { Id, QueryFlag, Timestamp } from './json'

/** `text` is anything that is valid UTF-8: code, data, Markdown. */
export const fileKinds = ['image', 'pdf', 'text'] as const
export type FileKind = typeof fileKinds[number]

/** The images that are taken: browsers show them, and models may see them. */
export const imageMimes = ['image/png', 'image/jpeg', 'image/gif', 'image/webp'] as const

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
