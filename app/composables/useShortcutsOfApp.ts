import { useCurrentProject } from '~/composables/useCurrentProject'
import { useShortcutSheet } from '~/composables/useShortcutSheet'

/** Keys that work everywhere: a new chat, the projects, the dashboard, the list of keys. */
export function useShortcutsOfApp() {
  const projectId = useCurrentProject()
  const sheet = useShortcutSheet()
  defineShortcuts({
    'meta_shift_o': () => navigateTo(projectId.value ? `/projects/${projectId.value}/c/new` : '/projects'),
    'meta_/': { usingInput: true, handler: () => { sheet.value = !sheet.value } },
    'g-p': () => navigateTo('/projects'),
    'g-d': () => navigateTo('/dashboard')
  })
}
