import type { Project } from '#shared/projects'
import { useMay } from '~/composables/useMay'
import { useProjects } from '~/composables/useProjects'

/** Whether the person at the screen may write in that project: their role there, once it is known, and in the org. */
export function useMayWrite(project: () => Project | null | undefined) {
  const mayInOrg = useMay('member')
  return computed(() => project()?.mayWrite ?? mayInOrg.value)
}

/** The same, of a project that is known by its id alone: as the list of projects tells. */
export function useMayWriteIn(projectId: () => string | undefined) {
  const { data: page } = useProjects({ immediate: false })
  return useMayWrite(() => [...page.value?.projects ?? [], page.value?.archived].find(project => project?.id === projectId()))
}
