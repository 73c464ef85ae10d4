import { z } from 'zod'
import { Project } from '#shared/projects'
import { useApi } from '~/composables/useApi'
import { useNotify } from '~/composables/useNotify'

/** What can be done with a project as a whole, each with a way back. Whatever lists projects is read again after each. */
export function useProjectActions(project: () => Project) {
  const { t } = useI18n()
  const api = useApi()
  const notify = useNotify()
  const route = useRoute()

  async function attempt(what: string, work: () => Promise<unknown>): Promise<boolean> {
    try {
      await work()
    } catch (error) {
      notify.failed(what, error)
      return false
    }
    // By its key: the row that an undo brings back is gone, and tells nobody any more.
    await refreshNuxtData(['projects', 'project-search', `project:${project().id}`])
    return true
  }

  const setArchived = (id: string, archived: boolean) => attempt(t('project.actions.theProjectWasNotChanged'), () => api(Project, `/api/projects/${id}`, { method: 'PATCH', body: { archived } }))

  return {
    archive: async (archived: boolean) => {
      const { id, name } = project()
      if (await setArchived(id, archived)) notify.undoable(archived ? t('project.actions.archived', { name }) : t('project.actions.isBack', { name }), 'i-lucide-archive', () => setArchived(id, !archived))
    },
    remove: async () => {
      const { id, name } = project()
      if (!await attempt(t('project.actions.theProjectWasNotDeleted'), () => api(z.unknown(), `/api/projects/${id}`, { method: 'DELETE' }))) return
      if (route.params.projectId === id) await navigateTo('/projects')
      notify.undoable(t('project.actions.deletedAndAllInIt', { name }), 'i-lucide-trash-2', () => attempt(t('project.actions.theProjectWasNotRestored'), () => api(Project, `/api/projects/${id}/restore`, { method: 'POST' })))
    }
  }
}
