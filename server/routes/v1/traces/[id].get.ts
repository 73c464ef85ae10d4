import { z } from 'zod'
import { recordKeyUse } from '../../../audit/record'
import { requireScope } from '../../../gateway/apply-policy'
import { getTrace } from '../../../traces/get-trace'
import { toWireTrace } from '../../../traces/wire-format'
import { readClientIp } from '../../../utils/client-ip'
import { defineGatewayHandler } from '../../../utils/gateway-handler'
import { readId, readQuery } from '../../../utils/read-request'

const Query = z.strictObject({ include: z.literal('bodies').optional() })

/** Any API key with the scope `traces`; its bodies need the scope `bodies` too, and each view of them is in the audit log. */
export default defineGatewayHandler('traces', async ({ event, caller, runtime }) => {
  const { include } = readQuery(event, Query)
  if (include) requireScope(caller, 'bodies')
  const trace = await getTrace(runtime.db.orm, runtime.keyring, caller, readId(event), include !== undefined)
  const ip = readClientIp(event.node.req, runtime.config.TRUSTED_PROXIES)
  if (include) await runtime.db.orm.transaction(transaction => recordKeyUse(transaction, { ...caller, ip }, { action: 'trace.view', target: `trace:${trace.id}` }))
  return toWireTrace(trace)
})
