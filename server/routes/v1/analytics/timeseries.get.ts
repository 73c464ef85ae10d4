import { plotUsage } from '../../../analytics/plot-usage'
import { toReader } from '../../../gateway/caller'
import { defineGatewayHandler } from '../../../utils/gateway-handler'
import { readQuery } from '../../../utils/read-request'
import { WireTimeseriesQuery } from '../../../../shared/analytics'

/** Any API key with the scope `traces`; a project's key sees its project. */
export default defineGatewayHandler('traces', ({ event, caller, runtime }) =>
  plotUsage(runtime.db.orm, toReader(caller), readQuery(event, WireTimeseriesQuery))
)
