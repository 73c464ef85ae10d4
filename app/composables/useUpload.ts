import type { StoredFile } from '#shared/files'
import { toFileName } from '#shared/file-name'
import { useApi } from '~/composables/useApi'
import { useSession } from '~/composables/useSession'
import { ApiError } from '~/utils/api-error'
import { formatBytes } from '~/utils/format-number'

/** Sends a file to a project's store. */
export function useUpload(projectId: MaybeRefOrGetter<string>) {
  const { t } = useI18n()
  const api = useApi()
  const session = useSession()

  /** @throws {ApiError} when it is refused; what is too large is not even sent */
  return async function upload(file: File, { inProject = false, signal }: { inProject?: boolean, signal?: AbortSignal } = {}): Promise<StoredFile> {
    const max = session.value?.maxFileBytes
    if (max !== undefined && file.size > max) throw new ApiError(413, 'body_too_large', t('chat.upload.isLargerThan', { name: toFileName(file.name), max: formatBytes(max) }))
    return api(import('#shared/files').then(({ StoredFile }) => StoredFile), `/api/projects/${toValue(projectId)}/files`, { method: 'POST', query: { name: toFileName(file.name), inProject: inProject || undefined }, body: file, signal })
  }
}
