import { summarizeUsage } from '../../../analytics/summarize-usage'
import { defineGatewayHandler } from '../../../utils/gateway-handler'
import { readQuery } from '../../../utils/read-request'
import { WireAnalyticsQuery } from '../../../../shared/analytics'

/** Any API key with the scope `traces`; a project's key sees its project. */
export default defineGatewayHandler('traces', ({ event, caller, runtime }) =>
  summarizeUsage(runtime.db.orm, caller, readQuery(event, WireAnalyticsQuery))
)
