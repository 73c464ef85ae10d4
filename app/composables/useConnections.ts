import { ConnectionHealthList, ConnectionList } from '#shared/connections'
import { useApi } from '~/composables/useApi'

/** The org's connections and the platform's. */
export function useConnections() {
  const api = useApi()
  return useAsyncData('connections', async () => (await api(ConnectionList, '/api/connections')).connections)
}

/** How calls over them went lately. */
export function useConnectionHealth() {
  const api = useApi()
  return useAsyncData('connection-health', () => api(ConnectionHealthList, '/api/connections/health'))
}
