import { getStatement } from '../../../billing/get-statement'
import { toWireStatement } from '../../../billing/wire-format'
import { defineGatewayHandler } from '../../../utils/gateway-handler'
import { readMonth, readQuery } from '../../../utils/read-request'
import { requireOrgWide, toReader } from '../../../gateway/caller'
import { sendStatementCsv } from '../../../utils/send-statement'
import { WireStatementQuery } from '../../../../shared/billing'

/** Any API key of the whole org with the scope `traces`: what moved its wallet in a month. */
export default defineGatewayHandler('traces', async ({ event, caller, runtime }) => {
  requireOrgWide(caller)
  const { format } = readQuery(event, WireStatementQuery)
  const statement = await getStatement(runtime.db, toReader(caller), readMonth(event))
  return format === 'csv' ? sendStatementCsv(event, statement) : toWireStatement(statement)
})
