import { useApi } from '~/composables/useApi'
import { useSharedData } from '~/composables/useSharedData'

/** The projects of the org, shared by the sidebar and the projects page. */
export function useProjects() {
  const api = useApi()
  return useSharedData('projects', () => api(import('#shared/projects').then(({ ProjectPage }) => ProjectPage), '/api/projects', { query: { limit: 100 } }))
}
