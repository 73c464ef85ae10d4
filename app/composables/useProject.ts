import { useApi } from '~/composables/useApi'
import { sharedRead } from '~/utils/shared-read'

/** One project; the same object wherever it is shown. */
export function useProject(projectId: MaybeRefOrGetter<string>) {
  const api = useApi()
  return useAsyncData(computed(() => `project:${toValue(projectId)}`), () => api(import('#shared/projects').then(({ Project }) => Project), `/api/projects/${toValue(projectId)}`), sharedRead)
}
