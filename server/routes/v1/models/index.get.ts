import { listAllowedModels } from '../../../catalog/list-allowed-models'
import { toWireModel } from '../../../catalog/wire-models'
import { defineGatewayHandler } from '../../../utils/gateway-handler'

/** Any API key that may call models: what it may name in `model`. */
export default defineGatewayHandler('any call', async ({ caller, runtime }) => {
  const models = await listAllowedModels(runtime.catalog, caller)
  return { object: 'list', data: models.map(toWireModel) }
})
