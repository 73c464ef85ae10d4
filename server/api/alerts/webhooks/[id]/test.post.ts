import { testWebhook } from '../../../../alerts/test-webhook'
import { defineApiHandler } from '../../../../utils/api-handler'
import { readId } from '../../../../utils/read-request'

export default defineApiHandler({ access: 'member', role: 'admin', orgWide: true }, ({ event, principal, ip, runtime }) =>
  testWebhook(runtime.db.orm, { principal, ip }, readId(event)))
