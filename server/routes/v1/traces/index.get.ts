import { listTraces } from '../../../traces/list-traces'
import { toWireTracePage } from '../../../traces/wire-format'
import { defineGatewayHandler } from '../../../utils/gateway-handler'
import { readQuery } from '../../../utils/read-request'
import { WireTraceQuery } from '../../../../shared/traces'

/** Any API key with the scope `traces`; a project's key sees its project. */
export default defineGatewayHandler('traces', async ({ event, caller, runtime }) =>
  toWireTracePage(await listTraces(runtime.db.orm, caller, readQuery(event, WireTraceQuery)))
)
