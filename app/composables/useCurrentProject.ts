import { useLastProject } from '~/composables/useLastProject'
import { useProjects } from '~/composables/useProjects'

/** The project on the screen, else the one last seen in this browser, else the most recently active. */
export function useCurrentProject() {
  const route = useRoute()
  const { data: page } = useProjects()
  const lastSeen = useLastProject()

  watch(() => route.params.projectId, (projectId) => {
    if (typeof projectId === 'string') lastSeen.value = projectId
  }, { immediate: true })

  return computed(() => {
    if (typeof route.params.projectId === 'string') return route.params.projectId
    const projects = page.value?.projects ?? []
    return (projects.find(({ id }) => id === lastSeen.value) ?? projects[0])?.id
  })
}
