import { updateRule } from '../../../alerts/update-rule'
import { defineApiHandler } from '../../../utils/api-handler'
import { readId, readJson, readVersion } from '../../../utils/read-request'
import { UpdateAlertRule } from '../../../../shared/alerts'

export default defineApiHandler({ access: 'member', role: 'admin', orgWide: true }, async ({ event, principal, ip, runtime }) =>
  updateRule(runtime.db.orm, { principal, ip }, readId(event), await readJson(event, UpdateAlertRule), readVersion(event)))
