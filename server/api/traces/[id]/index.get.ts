import { z } from 'zod'
import { requireRole } from '../../../identity/principal'
import { describeTrace } from '../../../traces/describe-trace'
import { defineApiHandler } from '../../../utils/api-handler'
import { readId, readQuery } from '../../../utils/read-request'

const Query = z.object({ include: z.literal('bodies').optional() })

/** Bodies hold what other members wrote: they are for admins, and each view is in the audit log. */
export default defineApiHandler({ access: 'member', role: 'viewer' }, ({ event, principal, ip, runtime }) => {
  const { include } = readQuery(event, Query)
  if (include) requireRole(principal, 'admin')
  return describeTrace(runtime.db.orm, runtime.keyring, { principal, ip }, readId(event), include !== undefined)
})
