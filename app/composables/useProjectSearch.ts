import { refDebounced } from '@vueuse/core'
import type { ProjectQuery } from '#shared/projects'
import { ProjectPage } from '#shared/projects'
import { useApi } from '~/composables/useApi'
import { useNotify } from '~/composables/useNotify'

/** The projects of the org as somebody looks for them: by words, in an order, the archived ones by themselves; page after page. */
export function useProjectSearch() {
  const { t } = useI18n()
  const api = useApi()
  const notify = useNotify()
  const search = ref('')
  const sort = ref<ProjectQuery['sort']>('activity')
  const archived = ref(false)
  const asked = refDebounced(search, 200)

  const fetchPage = (cursor?: string) => api(ProjectPage, '/api/projects', { query: { search: asked.value.trim() || undefined, sort: sort.value, archived: archived.value, cursor } })
  const state = useAsyncData('project-search', () => fetchPage(), { watch: [asked, sort, archived] })

  async function loadMore() {
    const loaded = state.data.value
    if (!loaded?.nextCursor) return
    try {
      const page = await fetchPage(loaded.nextCursor)
      state.data.value = { projects: [...loaded.projects, ...page.projects], nextCursor: page.nextCursor }
    } catch (error) {
      notify.failed(t('project.search.moreProjectsCouldNotBeLoaded'), error)
    }
  }

  return { search, sort, archived, state, loadMore }
}
