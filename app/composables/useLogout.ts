import { useApi } from '~/composables/useApi'
import { useNotify } from '~/composables/useNotify'
import { anyReply } from '~/utils/any-reply'

/** Ends the session on the server and forgets everything this page knows of it. */
export function useLogout() {
  const { t } = useI18n()
  const api = useApi()
  const notify = useNotify()
  return async () => {
    try {
      await api(anyReply(), '/api/auth/sign-out', { method: 'POST', body: {} })
    } catch (error) {
      notify.failed(t('app.logout.youAreStillLoggedIn'), error)
      return
    }
    // A full load: nothing of one person may stay in memory for the next.
    await navigateTo('/login', { external: true })
  }
}
