import type { DropdownMenuItem } from '@nuxt/ui'
import type { Project } from '#shared/projects'
import { useProjects } from '~/composables/useProjects'

/** Where conversations of a project can be moved to, for a menu: those that were active last and, where there are more, any other, which `finding` it asks for. */
export function usePlacesToMove(from: () => string, move: (to: Project) => unknown) {
  const { t } = useI18n()
  const { data: page } = useProjects({ immediate: false })
  const finding = ref(false)
  const places = computed<DropdownMenuItem[]>(() => [
    ...page.value?.nextCursor ? [{ label: t('conversation.move.find'), icon: 'i-lucide-search', onSelect: () => { finding.value = true } }] : [],
    ...(page.value?.projects ?? []).filter(({ id, mayWrite }) => mayWrite && id !== from()).map(project => ({ label: project.name, onSelect: () => move(project) }))
  ])
  return { places, finding }
}
