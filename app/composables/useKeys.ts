import { KeyList } from '#shared/keys'
import { useApi } from '~/composables/useApi'

/** The org's API keys, newest first. */
export function useKeys() {
  const api = useApi()
  return useAsyncData('keys', async () => (await api(KeyList, '/api/keys')).keys)
}
