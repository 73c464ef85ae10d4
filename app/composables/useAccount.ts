import { Account } from '#shared/identity'
import { useApi } from '~/composables/useApi'

/** The account of the person at the screen. Read in the browser: fields that the server had rendered lost their labels' ids on the way. */
export function useAccount() {
  const api = useApi()
  return useAsyncData('account', () => api(Account, '/api/session/account'), { server: false })
}
