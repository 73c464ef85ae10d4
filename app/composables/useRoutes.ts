import { ModelPriceList, ModelRouteList } from '#shared/model-routes'
import { ModelList } from '#shared/catalog'
import { useApi } from '~/composables/useApi'

/** The org's own routes and the platform's. */
export function useRoutes() {
  const api = useApi()
  return useAsyncData('model-routes', async () => (await api(ModelRouteList, '/api/models/routes')).routes)
}

/** Price overrides, those that are over or yet to come too; newest first. */
export function usePrices() {
  const api = useApi()
  return useAsyncData('model-prices', async () => (await api(ModelPriceList, '/api/models/prices')).prices)
}

/** Everything that can be named in `model`, of every kind. */
export function useAllModels() {
  const api = useApi()
  return useAsyncData('all-models', async () => (await api(ModelList, '/api/models')).models)
}
