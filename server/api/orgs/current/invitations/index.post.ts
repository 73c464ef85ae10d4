import { getRequestURL, setResponseStatus } from 'h3'
import { createInvitation } from '../../../../identity/create-invitation'
import { defineApiHandler } from '../../../../utils/api-handler'
import { readJson } from '../../../../utils/read-request'
import { CreateInvitation } from '../../../../../shared/identity'

export default defineApiHandler({ access: 'member', role: 'admin', orgWide: true }, async ({ event, principal, ip, runtime }) => {
  const input = await readJson(event, CreateInvitation)
  const created = await createInvitation(runtime.db.orm, { principal, ip }, input, runtime.config.APP_URL ?? getRequestURL(event).origin)
  setResponseStatus(event, 201)
  return created
})
