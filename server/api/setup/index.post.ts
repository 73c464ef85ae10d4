import { appendResponseHeader, getRequestHeader, setResponseStatus } from 'h3'
import { completeSetup } from '../../identity/setup'
import { signIn } from '../../identity/sign-in'
import { defineApiHandler } from '../../utils/api-handler'
import { readJson } from '../../utils/read-request'
import { CompleteSetup } from '../../../shared/identity'

export default defineApiHandler({ access: 'public' }, async ({ event, ip, runtime }) => {
  const input = await readJson(event, CompleteSetup)
  await completeSetup(runtime.db.orm, input)
  const { cookies } = await signIn(runtime.auth, input, { ip, userAgent: getRequestHeader(event, 'user-agent') })
  appendResponseHeader(event, 'set-cookie', cookies)
  setResponseStatus(event, 201)
  return { ok: true }
})
