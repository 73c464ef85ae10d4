import { IMPORT_MAX_BYTES, ImportedConversation } from '#shared/conversation-export'
import { useApi } from '~/composables/useApi'
import { useConversationList } from '~/composables/useConversationList'
import { useNotify } from '~/composables/useNotify'
import { ApiError } from '~/utils/api-error'
import type { Translate } from '~/utils/translate'
import { useFileDialog } from '@vueuse/core'

/** Asks for an exported conversation and goes to the copy made of it. */
export function useImportConversation(projectId: string) {
  const { t } = useI18n()
  const api = useApi()
  const notify = useNotify()
  const toast = useToast()
  const list = useConversationList(projectId)
  const { open, onChange } = useFileDialog({ accept: 'application/json,.json', multiple: false, reset: true })

  onChange(async (files) => {
    const file = files?.item(0)
    if (!file) return
    try {
      const { leftOutFiles, ...conversation } = await api(ImportedConversation, `/api/projects/${projectId}/import`, { method: 'POST', body: await readExport(file, t) })
      list.put(conversation)
      await navigateTo(`/projects/${projectId}/c/${conversation.id}`)
      if (leftOutFiles > 0) toast.add({ title: t('conversation.import.withoutFiles', { n: leftOutFiles }, leftOutFiles), description: t('conversation.import.exportsHoldNoFiles'), icon: 'i-lucide-paperclip', color: 'warning' })
    } catch (error) {
      notify.failed(t('conversation.import.wasNotImported', { name: file.name }), error)
    }
  })
  return { choose: () => open() }
}

/** @throws {ApiError} for what cannot be an export; what it says inside is the server's to judge */
async function readExport(file: File, t: Translate): Promise<object> {
  if (file.size > IMPORT_MAX_BYTES) throw new ApiError(413, 'body_too_large', t('conversation.import.itIsLargerThanThe', { max: IMPORT_MAX_BYTES / 1024 / 1024 }))
  try {
    const read: unknown = JSON.parse(await file.text())
    if (typeof read === 'object' && read !== null) return read
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
  }
  throw new ApiError(400, 'invalid_request', t('conversation.import.itIsNotAConversation'))
}
