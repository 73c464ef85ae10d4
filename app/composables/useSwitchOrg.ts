import { useBroadcastChannel } from '@vueuse/core'
import { useApi } from '~/composables/useApi'
import { useNotify } from '~/composables/useNotify'
import { anyReply } from '~/utils/any-reply'

/** Changes the org everything is shown of: on this page, and in the browser's other tabs, which share its session. */
export function useSwitchOrg() {
  const { t } = useI18n()
  const api = useApi()
  const notify = useNotify()
  const route = useRoute()
  const { data: switchedElsewhere, post } = useBroadcastChannel<string, string>({ name: 'loom:org' })

  /** A full load: nothing of one org may stay on a page of the other. A filter or an open row of the address is the former's, too. */
  const leave = () => navigateTo(route.path.startsWith('/dashboard') ? route.path : '/projects', { external: true })
  watch(switchedElsewhere, leave)

  return async (orgId: string) => {
    try {
      await api(anyReply(), '/api/session/org', { method: 'POST', body: { orgId } })
    } catch (error) {
      notify.failed(t('app.switchOrg.theOrganisationWasNotChanged'), error)
      return
    }
    post(orgId)
    await leave()
  }
}
