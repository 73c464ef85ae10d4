import { useApi } from '~/composables/useApi'
import { ApiError } from '~/utils/api-error'

/** Asks for a project by its id: undefined where there is none any more, or none in this org for the person at the screen. */
export function useFindProject() {
  const api = useApi()
  return async (projectId: string) => {
    try {
      return await api(import('#shared/projects').then(({ Project }) => Project), `/api/projects/${encodeURIComponent(projectId)}`)
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return undefined
      throw error
    }
  }
}
