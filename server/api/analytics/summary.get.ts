import { summarizeUsage } from '../../analytics/summarize-usage'
import { defineApiHandler } from '../../utils/api-handler'
import { readQuery } from '../../utils/read-request'
import { AnalyticsQuery } from '../../../shared/analytics'

export default defineApiHandler({ access: 'member', role: 'viewer' }, ({ event, principal, runtime }) =>
  summarizeUsage(runtime.db.orm, principal, readQuery(event, AnalyticsQuery))
)
