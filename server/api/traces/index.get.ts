import { listTraces } from '../../traces/list-traces'
import { defineApiHandler } from '../../utils/api-handler'
import { readQuery } from '../../utils/read-request'
import { TraceQuery } from '../../../shared/traces'

export default defineApiHandler({ access: 'member', role: 'viewer' }, ({ event, principal, runtime }) =>
  listTraces(runtime.db.orm, principal, readQuery(event, TraceQuery))
)
