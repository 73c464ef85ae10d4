import type { PurgedCache } from '../../../shared/wire'
import { requireOrgWide } from '../../gateway/caller'
import { defineGatewayHandler } from '../../utils/gateway-handler'

/** Any API key of the whole org with the scope `billing`: forgets its cached answers, which are then paid for again. */
export default defineGatewayHandler('billing', async ({ caller, runtime }): Promise<PurgedCache> => {
  requireOrgWide(caller)
  await runtime.gateway.answers.purge(caller.orgId)
  return { purged: true }
})
