import { setResponseStatus } from 'h3'
import { requestPasswordReset } from '../../../identity/request-password-reset'
import { defineApiHandler } from '../../../utils/api-handler'
import { readJson } from '../../../utils/read-request'
import { ForgottenPassword } from '../../../../shared/identity'

/** Answers alike whether anybody has the address or not. */
export default defineApiHandler({ access: 'public' }, async ({ event, ip, runtime }) => {
  const { email } = await readJson(event, ForgottenPassword)
  await requestPasswordReset(runtime, email, ip)
  setResponseStatus(event, 202)
  return {}
})
