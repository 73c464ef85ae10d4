import type { Project } from '#shared/projects'
import { useMay } from '~/composables/useMay'

/** Whether the person at the screen may write in that project: their role there, once it is known, and in the org. */
export function useMayWrite(project: () => Project | null | undefined) {
  const mayInOrg = useMay('member')
  return computed(() => project()?.mayWrite ?? mayInOrg.value)
}
