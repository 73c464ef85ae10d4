import { OrgDetails } from '#shared/identity'
import { useApi } from '~/composables/useApi'

/** The org's own settings. Read in the browser: fields that the server had rendered lost their labels' ids on the way. */
export function useOrg() {
  const api = useApi()
  return useAsyncData('org', () => api(OrgDetails, '/api/orgs/current'), { server: false })
}
