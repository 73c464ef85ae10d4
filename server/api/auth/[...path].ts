import { getRouterParam, sendWebResponse } from 'h3'
import { recordAuthChange } from '../../audit/record-auth-change'
import { CLIENT_IP_HEADER } from '../../identity/auth'
import { refuseAuthFailure } from '../../identity/refuse-auth-failure'
import { requirePerson } from '../../identity/principal'
import { LoomError } from '../../errors'
import { defineApiHandler } from '../../utils/api-handler'
import { boundedWebRequest } from '../../utils/bounded-web-request'

const MAX_BODY_BYTES = 16 * 1024

/** What of the sign-in library is offered. The rest (mail, other providers, raw session reads and writes) does not exist here. */
const offered = new Set([
  'POST sign-up/email', 'POST sign-in/email', 'POST sign-out', 'GET get-session', 'POST change-password',
  'POST two-factor/enable', 'POST two-factor/disable', 'POST two-factor/verify-totp', 'POST two-factor/verify-backup-code', 'POST two-factor/generate-backup-codes',
  'POST unlink-account'
])
/** Where the identity provider sends browsers back to. */
const SSO_CALLBACK = 'GET callback/sso'

export default defineApiHandler({ access: 'public' }, async ({ event, principal, ip, runtime }) => {
  const call = `${event.method} ${getRouterParam(event, 'path')}`
  if (call !== SSO_CALLBACK && !offered.has(call)) throw new LoomError('not_found', 'There is nothing here.')
  // What is done here is done by the cookie, whatever a key beside it says.
  if (principal) requirePerson(principal)
  const auth = call === SSO_CALLBACK ? await runtime.sso.auth() : runtime.auth
  const request = await boundedWebRequest(event, MAX_BODY_BYTES, { [CLIENT_IP_HEADER]: ip })
  const response = await auth.handler(request)
  await refuseAuthFailure(response)
  const failure = new URL(response.headers.get('location') ?? '/', request.url).searchParams.get('error')
  if (failure) runtime.log.warn({ reason: failure.slice(0, 100) }, 'Somebody could not sign in at the identity provider')
  if (principal && !failure) await recordAuthChange(runtime.db.orm, { principal, ip }, call)
  return sendWebResponse(event, response)
})
