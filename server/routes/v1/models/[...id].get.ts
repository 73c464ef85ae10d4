import { getRouterParam } from 'h3'
import { getAllowedModel } from '../../../catalog/list-allowed-models'
import { toWireModel } from '../../../catalog/wire-models'
import { defineGatewayHandler } from '../../../utils/gateway-handler'

/** Any API key that may call models: one model, whose id may hold slashes. */
export default defineGatewayHandler('any call', async ({ event, caller, runtime }) =>
  toWireModel(await getAllowedModel(runtime.catalog, caller, getRouterParam(event, 'id', { decode: true }) ?? ''))
)
