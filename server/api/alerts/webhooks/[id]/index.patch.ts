import { updateWebhook } from '../../../../alerts/update-webhook'
import { defineApiHandler } from '../../../../utils/api-handler'
import { readId, readJson, readVersion } from '../../../../utils/read-request'
import { UpdateAlertWebhook } from '../../../../../shared/alerts'

export default defineApiHandler({ access: 'member', role: 'admin', orgWide: true }, async ({ event, principal, ip, runtime }) =>
  updateWebhook(runtime.db.orm, { principal, ip }, readId(event), await readJson(event, UpdateAlertWebhook), readVersion(event)))
