import { rotateWebhook } from '../../../../alerts/rotate-webhook'
import { defineApiHandler } from '../../../../utils/api-handler'
import { readId } from '../../../../utils/read-request'

export default defineApiHandler({ access: 'member', role: 'admin', orgWide: true }, ({ event, principal, ip, runtime }) =>
  rotateWebhook(runtime.db.orm, runtime.keyring, { principal, ip }, readId(event)))
