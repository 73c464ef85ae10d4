import { useApi } from '~/composables/useApi'
import { useSharedData } from '~/composables/useSharedData'

/** One project; the same object wherever it is shown. */
export function useProject(projectId: MaybeRefOrGetter<string>) {
  const api = useApi()
  return useSharedData(computed(() => `project:${toValue(projectId)}`), () => api(import('#shared/projects').then(({ Project }) => Project), `/api/projects/${toValue(projectId)}`))
}
