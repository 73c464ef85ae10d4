import { useApi } from '~/composables/useApi'
import { useNotify } from '~/composables/useNotify'
import { anyReply } from '~/utils/any-reply'

/** Changes the org everything is shown of. */
export function useSwitchOrg() {
  const { t } = useI18n()
  const api = useApi()
  const notify = useNotify()
  return async (orgId: string) => {
    try {
      await api(anyReply(), '/api/session/org', { method: 'POST', body: { orgId } })
    } catch (error) {
      notify.failed(t('app.switchOrg.theOrganisationWasNotChanged'), error)
      return
    }
    // A full load: nothing of one org may stay on a page of the other.
    await navigateTo('/projects', { external: true })
  }
}
