import { getWallet } from '../../billing/get-wallet'
import { toWireWallet } from '../../billing/wire-format'
import { requireOrgWide } from '../../gateway/caller'
import { defineGatewayHandler } from '../../utils/gateway-handler'

/** Any API key of the whole org with the scope `traces`: what the org has left. */
export default defineGatewayHandler('traces', async ({ caller, runtime }) => {
  requireOrgWide(caller)
  return toWireWallet(await getWallet(runtime.db.orm, caller.orgId))
})
