import { plotUsage } from '../../analytics/plot-usage'
import { defineApiHandler } from '../../utils/api-handler'
import { readQuery } from '../../utils/read-request'
import { TimeseriesQuery } from '../../../shared/analytics'

export default defineApiHandler({ access: 'member', role: 'viewer' }, ({ event, principal, runtime }) =>
  plotUsage(runtime.db.orm, principal, readQuery(event, TimeseriesQuery))
)
