import { useApi } from '~/composables/useApi'
import { useSharedData } from '~/composables/useSharedData'

/** What a project gives to all its conversations, oldest first; the same list wherever it is shown. */
export function useProjectFiles(projectId: () => string) {
  const api = useApi()
  return useSharedData(() => `project-files:${projectId()}`, async () => (await api(import('#shared/files').then(({ ProjectFiles }) => ProjectFiles), `/api/projects/${projectId()}/files`)).files)
}
