import { sendNoContent } from 'h3'
import { purgeAnswers } from '../cache/purge-answers'
import { defineApiHandler } from '../utils/api-handler'

export default defineApiHandler({ access: 'member', role: 'admin', orgWide: true }, async ({ event, principal, ip, runtime }) => {
  await purgeAnswers(runtime.db.orm, runtime.gateway.answers, { principal, ip })
  return sendNoContent(event)
})
