import type { Project, ProjectPage } from '#shared/projects'
import { useApi } from '~/composables/useApi'
import { useFindProject } from '~/composables/useFindProject'
import { useLastProject } from '~/composables/useLastProject'
import { useSharedData } from '~/composables/useSharedData'

interface Projects extends ProjectPage {
  /** The one on the screen or last seen, where it is archived: its own pages show it, and it is offered nowhere. */
  archived?: Project
  /** The last reading failed, as a whole or for the one on the screen: what was read before is kept, and the sidebar says so. */
  isStale?: true
}

/**
 * The projects of the org that were active last, and behind them the one on the screen or last seen where it is not among them: an org may have very many.
 * Shared by whatever lists projects or says what may be done in one. `immediate: false`, for what stands in each row of a list: it takes what the sidebar has read.
 */
export function useProjects({ immediate = true } = {}) {
  const api = useApi()
  const find = useFindProject()
  const route = useRoute()
  const lastSeen = immediate ? useLastProject() : undefined

  async function read(): Promise<Projects> {
    const page: Projects = await api(import('#shared/projects').then(({ ProjectPage }) => ProjectPage), '/api/projects', { query: { limit: 100 } }).catch((error: unknown) => {
      // The list that was read last is of more use than none.
      if (!shared.data.value) throw error
      console.warn('The projects could not be read anew', error)
      return { ...shared.data.value, isStale: true as const }
    })
    const current = typeof route.params.projectId === 'string' ? route.params.projectId : lastSeen?.value
    if (!current || page.projects.some(({ id }) => id === current)) return page
    try {
      const other = await find(current)
      if (!other) return page
      return other.archivedAt === null ? { ...page, projects: [...page.projects, other] } : { ...page, archived: other }
    } catch (error) {
      console.warn('The project on the screen could not be read', error)
      return { ...page, isStale: true }
    }
  }

  const shared = useSharedData('projects', read, { immediate })
  return shared
}
