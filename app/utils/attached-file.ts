import type { StoredFile } from '#shared/files'
import type { Message } from '#shared/messages'

/** A file that goes, or went, with a message. */
export interface AttachedFile {
  fileId: string
  name: string
  mime: string
  sizeBytes: number
  /** Smaller than what was chosen: see `scaleImage`. */
  scaled?: boolean | undefined
}

export const isImage = ({ mime }: Pick<AttachedFile, 'mime'>) => mime.startsWith('image/')

export const fileUrl = ({ fileId }: Pick<AttachedFile, 'fileId'>) => `/api/files/${fileId}/content`

export function toAttachedFile({ id, name, mime, sizeBytes }: StoredFile): AttachedFile {
  return { fileId: id, name, mime, sizeBytes }
}

/** What a person sent with a message. */
export function filesOf(message: Message): AttachedFile[] {
  return message.parts.flatMap(part => part.type === 'image' || part.type === 'file' ? [{ fileId: part.fileId, name: part.name, mime: part.mime, sizeBytes: part.sizeBytes }] : [])
}
