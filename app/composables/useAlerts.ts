import { AlertSettings } from '#shared/alerts'
import { useApi } from '~/composables/useApi'
import { useMayManage } from '~/composables/useMayManage'

/** What the org wants to be told of, and where; asked for by its admins alone. */
export function useAlerts() {
  const api = useApi()
  const mayManage = useMayManage()
  return useAsyncData('alerts', () => api(AlertSettings, '/api/alerts'), { immediate: mayManage.value })
}
