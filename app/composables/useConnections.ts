import { ConnectionHealthList, ConnectionList } from '#shared/connections'
import { useApi } from '~/composables/useApi'
import { useSharedData } from '~/composables/useSharedData'

/** The org's connections and the platform's. */
export function useConnections() {
  const api = useApi()
  return useSharedData('connections', async () => (await api(ConnectionList, '/api/connections')).connections)
}

/** How calls over them went lately. */
export function useConnectionHealth() {
  const api = useApi()
  return useAsyncData('connection-health', () => api(ConnectionHealthList, '/api/connections/health'))
}
