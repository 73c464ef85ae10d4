import { appendResponseHeader, getRequestHeader } from 'h3'
import { LoomError } from '../../../errors'
import { acceptInvitation, signUpInvited } from '../../../identity/accept-invitation'
import { requirePerson } from '../../../identity/principal'
import { signIn } from '../../../identity/sign-in'
import { switchOrg } from '../../../identity/switch-org'
import { defineApiHandler } from '../../../utils/api-handler'
import { readJson, readToken } from '../../../utils/read-request'
import { AcceptInvitation } from '../../../../shared/identity'

export default defineApiHandler({ access: 'public' }, async ({ event, principal, ip, runtime }) => {
  const { orm } = runtime.db
  const token = readToken(event)
  const { name, password } = await readJson(event, AcceptInvitation)
  if (principal) {
    requirePerson(principal)
    const orgId = await acceptInvitation(orm, token, { userId: principal.userId, ip })
    return { orgId }
  }
  if (!name || !password) throw new LoomError('unauthenticated', 'Sign in first, or choose a name and a password.')
  const { email, userId, orgId } = await signUpInvited(orm, token, { name, password, ip, walletMode: runtime.config.NEW_ORG_WALLET })
  const session = await signIn(runtime.auth, { email, password }, { ip, userAgent: getRequestHeader(event, 'user-agent') })
  await switchOrg(orm, { token: session.token, userId }, orgId)
  appendResponseHeader(event, 'set-cookie', session.cookies)
  return { orgId }
})
