import { listDeliveries } from '../../../alerts/list-deliveries'
import { defineApiHandler } from '../../../utils/api-handler'
import { readQuery } from '../../../utils/read-request'
import { AlertDeliveryQuery } from '../../../../shared/alerts'

export default defineApiHandler({ access: 'member', role: 'admin', orgWide: true }, ({ event, principal, runtime }) =>
  listDeliveries(runtime.db.orm, principal.orgId, readQuery(event, AlertDeliveryQuery)))
