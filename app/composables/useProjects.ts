import { useApi } from '~/composables/useApi'
import { useFindProject } from '~/composables/useFindProject'
import { useLastProject } from '~/composables/useLastProject'
import { useSharedData } from '~/composables/useSharedData'

/**
 * The projects of the org that were active last, and behind them the one on the screen or last seen where it is not among them: an org may have very many.
 * Shared by whatever lists projects or says what may be done in one.
 */
export function useProjects() {
  const api = useApi()
  const find = useFindProject()
  const route = useRoute()
  const lastSeen = useLastProject()
  return useSharedData('projects', async () => {
    const page = await api(import('#shared/projects').then(({ ProjectPage }) => ProjectPage), '/api/projects', { query: { limit: 100 } })
    const onScreen = typeof route.params.projectId === 'string' ? route.params.projectId : undefined
    const current = onScreen ?? lastSeen.value
    if (!current || page.projects.some(({ id }) => id === current)) return page
    const other = await find(current)
    // An archived one is left to its own pages.
    return other && (onScreen || other.archivedAt === null) ? { ...page, projects: [...page.projects, other] } : page
  })
}
