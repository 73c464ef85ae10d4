import { getRequestURL, setResponseStatus } from 'h3'
import { createResetLink } from '../../../../platform/create-reset-link'
import { defineApiHandler } from '../../../../utils/api-handler'
import { readId } from '../../../../utils/read-request'

/** To be handed to who has forgotten their password. */
export default defineApiHandler({ access: 'platform-admin' }, async ({ event, principal, ip, runtime }) => {
  const link = await createResetLink(runtime.db.orm, { principal, ip }, readId(event), runtime.config.APP_URL ?? getRequestURL(event).origin)
  setResponseStatus(event, 201)
  return link
})
