import { useApi } from '~/composables/useApi'
import { sharedRead } from '~/utils/shared-read'

/** The projects of the org, shared by the sidebar and the projects page. */
export function useProjects() {
  const api = useApi()
  return useAsyncData('projects', () => api(import('#shared/projects').then(({ ProjectPage }) => ProjectPage), '/api/projects', { query: { limit: 100 } }), sharedRead)
}
