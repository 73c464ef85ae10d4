import { setResponseStatus } from 'h3'
import { createWebhook } from '../../../alerts/create-webhook'
import { defineApiHandler } from '../../../utils/api-handler'
import { readJson } from '../../../utils/read-request'
import { CreateAlertWebhook } from '../../../../shared/alerts'

export default defineApiHandler({ access: 'member', role: 'admin', orgWide: true }, async ({ event, principal, ip, runtime }) => {
  const created = await createWebhook(runtime.db.orm, runtime.keyring, { principal, ip }, await readJson(event, CreateAlertWebhook))
  setResponseStatus(event, 201)
  return created
})
