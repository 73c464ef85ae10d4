import { sendNoContent } from 'h3'
import { resetPassword } from '../../../identity/reset-password'
import { defineApiHandler } from '../../../utils/api-handler'
import { readJson } from '../../../utils/read-request'
import { ResetPassword } from '../../../../shared/identity'

/** By a link, whose token is in the body: paths are logged. */
export default defineApiHandler({ access: 'public' }, async ({ event, ip, runtime }) => {
  await resetPassword(runtime.db.orm, await readJson(event, ResetPassword), ip)
  return sendNoContent(event)
})
