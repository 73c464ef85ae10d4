import { Readable } from 'node:stream'
import { sendStream, setResponseHeaders } from 'h3'
import { toAuditCsv, toAuditJsonl } from '../../audit/entry-files'
import { exportEntries } from '../../audit/list-entries'
import { defineApiHandler } from '../../utils/api-handler'
import { readQuery } from '../../utils/read-request'
import { AuditExport } from '../../../shared/audit'

export default defineApiHandler({ access: 'member', role: 'admin', orgWide: true }, ({ event, principal, runtime }) => {
  const { format, ...filter } = readQuery(event, AuditExport)
  const entries = exportEntries(runtime.db.orm, principal.orgId, filter)
  setResponseHeaders(event, {
    'content-type': format === 'csv' ? 'text/csv; charset=utf-8' : 'application/x-ndjson; charset=utf-8',
    'content-disposition': `attachment; filename="audit.${format}"`
  })
  const file = Readable.from(format === 'csv' ? toAuditCsv(entries) : toAuditJsonl(entries))
  // Whoever left is read for no longer.
  event.node.res.on('close', () => file.destroy())
  return sendStream(event, file)
})
