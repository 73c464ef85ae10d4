import type { Model } from '#shared/catalog'
import { useApi } from '~/composables/useApi'
import { useSharedData } from '~/composables/useSharedData'

/** The models this org may chat with. */
export function useModels() {
  const api = useApi()
  return useSharedData('models', async (): Promise<Model[]> => (await api(import('#shared/catalog').then(({ ModelList }) => ModelList), '/api/models')).models.filter(({ mode }) => mode === 'chat'))
}
