import type { Model } from '#shared/catalog'
import { useApi } from '~/composables/useApi'
import { sharedRead } from '~/utils/shared-read'

/** The models this org may chat with. */
export function useModels() {
  const api = useApi()
  return useAsyncData('models', async (): Promise<Model[]> => (await api(import('#shared/catalog').then(({ ModelList }) => ModelList), '/api/models')).models.filter(({ mode }) => mode === 'chat'), sharedRead)
}
