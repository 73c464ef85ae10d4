import { exportTraces } from '../../traces/export-traces'
import { defineApiHandler } from '../../utils/api-handler'
import { readQuery } from '../../utils/read-request'
import { sendLines } from '../../utils/send-lines'
import { TraceExportQuery } from '../../../shared/traces'

export default defineApiHandler({ access: 'member', role: 'viewer' }, ({ event, principal, runtime }) => {
  const query = readQuery(event, TraceExportQuery)
  const type = query.format === 'csv' ? 'text/csv; charset=utf-8' : 'application/jsonl; charset=utf-8'
  return sendLines(event, { type, name: `traces.${query.format}` }, signal => exportTraces(runtime.db.orm, principal, query, signal))
})
