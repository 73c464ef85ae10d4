import { setResponseStatus } from 'h3'
import { createRule } from '../../../alerts/create-rule'
import { defineApiHandler } from '../../../utils/api-handler'
import { readJson } from '../../../utils/read-request'
import { CreateAlertRule } from '../../../../shared/alerts'

export default defineApiHandler({ access: 'member', role: 'admin', orgWide: true }, async ({ event, principal, ip, runtime }) => {
  const created = await createRule(runtime.db.orm, { principal, ip }, await readJson(event, CreateAlertRule))
  setResponseStatus(event, 201)
  return created
})
