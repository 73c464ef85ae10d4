import { reportUsage } from '../traces/report-usage'
import { defineApiHandler } from '../utils/api-handler'
import { readQuery } from '../utils/read-request'
import { UsageQuery } from '../../shared/traces'

export default defineApiHandler({ access: 'member', role: 'viewer' }, ({ event, principal, runtime }) =>
  reportUsage(runtime.db.orm, principal, readQuery(event, UsageQuery))
)
