import { listAlerts } from '../../alerts/list-alerts'
import { defineApiHandler } from '../../utils/api-handler'

export default defineApiHandler({ access: 'member', role: 'admin', orgWide: true }, async ({ principal, runtime }) => ({
  ...await listAlerts(runtime.db.orm, principal.orgId), emailAvailable: runtime.config.SMTP_URL !== undefined
}))
