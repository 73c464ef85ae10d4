import { listTransactions } from '../../billing/list-transactions'
import { toWireTransactionPage } from '../../billing/wire-format'
import { requireOrgWide } from '../../gateway/caller'
import { defineGatewayHandler } from '../../utils/gateway-handler'
import { readQuery } from '../../utils/read-request'
import { WireTransactionQuery } from '../../../shared/billing'

/** Any API key of the whole org with the scope `traces`: the org's ledger, newest first. */
export default defineGatewayHandler('traces', async ({ event, caller, runtime }) => {
  requireOrgWide(caller)
  return toWireTransactionPage(await listTransactions(runtime.db.orm, caller.orgId, readQuery(event, WireTransactionQuery)))
})
