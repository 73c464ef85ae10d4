import { reportUsage } from '../../traces/report-usage'
import { toWireUsage } from '../../traces/wire-format'
import { defineGatewayHandler } from '../../utils/gateway-handler'
import { readQuery } from '../../utils/read-request'
import { WireUsageQuery } from '../../../shared/traces'

/** Any API key with the scope `traces`: what the org's (or the key's project's) calls used and cost. */
export default defineGatewayHandler('traces', async ({ event, caller, runtime }) =>
  toWireUsage(await reportUsage(runtime.db.orm, caller, readQuery(event, WireUsageQuery)))
)
