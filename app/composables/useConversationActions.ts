import type { Conversation, UpdateConversation } from '#shared/conversations'
import type { Project } from '#shared/projects'
import { useApi } from '~/composables/useApi'
import { useConversationList } from '~/composables/useConversationList'
import { useNotify } from '~/composables/useNotify'
import { anyReply } from '~/utils/any-reply'

const contract = async () => (await import('#shared/conversations')).Conversation

/** What can be done with a conversation as a whole. Each reports its own failure. */
export function useConversationActions(conversation: () => Conversation) {
  const { t } = useI18n()
  const api = useApi()
  const notify = useNotify()
  const route = useRoute()
  const list = useConversationList(() => conversation().projectId)
  // Changed only where a page has read it.
  const archivedList = useConversationList(() => conversation().projectId, { archived: true, immediate: false })

  const path = () => `/api/conversations/${conversation().id}`
  const titleOf = ({ title }: Conversation) => `“${title || t('common.untitled')}”`

  /** Both lists show it where it belongs now. */
  function put(changed: Conversation) {
    list.put(changed)
    archivedList.put(changed)
  }

  async function attempt(what: string, work: () => Promise<Conversation>): Promise<Conversation | undefined> {
    try {
      const changed = await work()
      put(changed)
      return changed
    } catch (error) {
      notify.failed(what, error)
      return undefined
    }
  }

  const update = (change: UpdateConversation) =>
    attempt(t('conversation.actions.theConversationWasNotChanged'), () => api(contract(), path(), { method: 'PATCH', body: change }))

  async function archive(archived: boolean) {
    const [changed, before] = [await update({ archived }), path()]
    if (!changed) return
    const undo = () => attempt(t('conversation.actions.theConversationWasNotChanged'), () => api(contract(), before, { method: 'PATCH', body: { archived: !archived } }))
    notify.undoable(t(archived ? 'conversation.actions.archived' : 'conversation.actions.backFromTheArchive', { title: titleOf(changed) }), 'i-lucide-archive', undo)
  }

  async function move(project: Project) {
    const here = route.params.conversationId === conversation().id
    const moved = await update({ projectId: project.id })
    if (!moved) return
    notify.done(t('conversation.actions.movedTo', { name: project.name }))
    await refreshNuxtData(`conversations:${project.id}`)
    if (here) await navigateTo(`/projects/${project.id}/c/${moved.id}`)
  }

  async function duplicate() {
    const copy = await attempt(t('conversation.actions.theConversationWasNotDuplicated'), () => api(contract(), `${path()}/duplicate`, { method: 'POST' }))
    if (copy) await navigateTo(`/projects/${copy.projectId}/c/${copy.id}`)
  }

  /** Deletes at once and offers to undo it. */
  async function remove() {
    const deleted = conversation()
    const restorePath = `${path()}/restore`
    try {
      await api(anyReply(), path(), { method: 'DELETE' })
    } catch (error) {
      notify.failed(t('conversation.actions.theConversationWasNotDeleted'), error)
      return
    }
    list.remove(deleted.id)
    archivedList.remove(deleted.id)
    if (route.params.conversationId === deleted.id) await navigateTo(`/projects/${deleted.projectId}`)
    notify.undoable(t('conversation.actions.deleted', { title: titleOf(deleted) }), 'i-lucide-trash-2', () => attempt(t('conversation.actions.theConversationWasNotRestored'), () => api(contract(), restorePath, { method: 'POST' })))
  }

  return { rename: (title: string) => update({ title }), pin: (pinned: boolean) => update({ pinned }), archive, move, duplicate, remove }
}
