import type { ChangeConversations, Conversation } from '#shared/conversations'
import { ConversationsChanged } from '#shared/conversations'
import type { Project } from '#shared/projects'
import { useApi } from '~/composables/useApi'
import { useNotify } from '~/composables/useNotify'

/** What can be done with many conversations of one project at once, each with a way back. */
export function useBulkActions(projectId: string) {
  const { t } = useI18n()
  const api = useApi()
  const notify = useNotify()
  const change = (body: ChangeConversations) => api(ConversationsChanged, '/api/conversations/bulk', { method: 'POST', body })
  const refresh = (...others: string[]) => refreshNuxtData([projectId, ...others].flatMap(id => [`conversations:${id}`, `archived:${id}`]))

  async function attempt(done: string, icon: string, work: ChangeConversations, back: ChangeConversations, other?: string): Promise<boolean> {
    try {
      await change(work)
    } catch (error) {
      notify.failed(t('conversation.bulk.nothingWasChanged'), error)
      return false
    }
    await refresh(...other ? [other] : [])
    notify.undoable(done, icon, () => undo(back, other))
    return true
  }

  async function undo(back: ChangeConversations, other: string | undefined) {
    try {
      await change(back)
    } catch (error) {
      notify.failed(t('conversation.bulk.itWasNotUndone'), error)
    }
    await refresh(...other ? [other] : [])
  }

  const idsOf = (chosen: Conversation[]) => chosen.map(({ id }) => id)
  return {
    archive: (chosen: Conversation[], archived: boolean) => attempt(
      archived ? t('conversation.bulk.archived', chosen.length) : t('conversation.bulk.backFromTheArchive', chosen.length), 'i-lucide-archive',
      { action: archived ? 'archive' : 'unarchive', ids: idsOf(chosen) }, { action: archived ? 'unarchive' : 'archive', ids: idsOf(chosen) }
    ),
    remove: (chosen: Conversation[]) => attempt(t('conversation.bulk.deleted', chosen.length), 'i-lucide-trash-2', { action: 'delete', ids: idsOf(chosen) }, { action: 'restore', ids: idsOf(chosen) }),
    move: (chosen: Conversation[], to: Project) => attempt(
      t('conversation.bulk.movedTo', { name: to.name }, chosen.length), 'i-lucide-folder-input',
      { action: 'move', ids: idsOf(chosen), projectId: to.id }, { action: 'move', ids: idsOf(chosen), projectId }, to.id
    )
  }
}
