import { toFileName } from '#shared/file-name'
import { MESSAGE_FILES_MAX } from '#shared/message-limits'
import { useNotify } from '~/composables/useNotify'
import { useSession } from '~/composables/useSession'
import { useUpload } from '~/composables/useUpload'
import type { AttachedFile } from '~/utils/attached-file'
import { toAttachedFile } from '~/utils/attached-file'
import { ApiError } from '~/utils/api-error'
import { scaleImage } from '~/utils/scale-image'

/** A file on its way to the server. */
export interface Upload { key: number, name: string, controller: AbortController }

/** The files of a message that is being written. Those that have arrived are kept in this browser until it is sent. */
export function useAttachments({ place, projectId }: { place: () => string, projectId: () => string }) {
  const { t } = useI18n()
  const notify = useNotify()
  const upload = useUpload(projectId)
  const session = useSession()
  const files = shallowRef<AttachedFile[]>([])
  const uploads = shallowRef<Upload[]>([])
  const owner = session.value?.user?.id ?? 'nobody'
  const key = () => `loom:draft-files:${owner}:${projectId()}:${place()}`
  let nextKey = 0

  /** What an earlier visit has left is not back yet. */
  const reading = ref(false)

  onMounted(async () => {
    const stored = localStorage.getItem(key())
    let last = stored
    reading.value = stored !== null
    watch(files, (kept) => {
      if (reading.value) return
      const text = kept.length > 0 ? JSON.stringify(kept) : null
      if (text !== null) localStorage.setItem(key(), text)
      // What another page has attached since stays.
      else if (localStorage.getItem(key()) === last) localStorage.removeItem(key())
      last = text
    }, { flush: 'sync' })
    if (stored === null) return
    const kept = await readKept(stored)
    reading.value = false
    files.value = [...kept, ...files.value]
  })
  onScopeDispose(() => uploads.value.forEach(({ controller }) => controller.abort()))

  /** False when it failed; true also when it was cancelled. */
  async function addOne(file: File): Promise<boolean> {
    const begun: Upload = { key: nextKey++, name: toFileName(file.name), controller: new AbortController() }
    uploads.value = [...uploads.value, begun]
    try {
      const sent = await scaleImage(file)
      const stored = await upload(sent, { signal: begun.controller.signal })
      files.value = [...files.value, { ...toAttachedFile(stored), scaled: sent !== file }]
      return true
    } catch (error) {
      if (begun.controller.signal.aborted) return true
      notify.failed(t('chat.attachments.wasNotAttached', { name: begun.name }), error)
      return false
    } finally {
      uploads.value = uploads.value.filter(other => other !== begun)
    }
  }

  /** False when one of them, or more, failed. */
  async function add(chosen: Iterable<File>): Promise<boolean> {
    const room = MESSAGE_FILES_MAX - files.value.length - uploads.value.length
    const all = [...chosen]
    if (all.length > room) notify.failed(t('chat.attachments.someFilesWereNotAttached'), new ApiError(400, 'too_many_files', t('chat.attachments.aMessageTakesFiles', { max: MESSAGE_FILES_MAX })))
    const added = await Promise.all(all.slice(0, Math.max(0, room)).map(addOne))
    return all.length <= room && added.every(Boolean)
  }

  return {
    files: shallowReadonly(files),
    uploads: shallowReadonly(uploads),
    reading: readonly(reading),
    add,
    remove: (file: AttachedFile) => {
      files.value = files.value.filter(other => other !== file)
    },
    cancel: ({ controller }: Upload) => controller.abort(),
    /** Puts files back that were not sent. */
    putBack: (given: readonly AttachedFile[]) => {
      files.value = [...given, ...files.value]
    },
    /** All of them, out of the draft. */
    take: (): AttachedFile[] => {
      const taken = files.value
      files.value = []
      return taken
    }
  }
}

async function readKept(stored: string): Promise<AttachedFile[]> {
  try {
    const { KeptFiles } = await import('~/utils/kept-files')
    return KeptFiles.parse(JSON.parse(stored))
  } catch (error) {
    console.warn('The files of a draft in this browser could not be read', error)
    return []
  }
}
