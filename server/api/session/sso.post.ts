import { appendResponseHeader, getRequestHeader } from 'h3'
import { CLIENT_IP_HEADER } from '../../identity/auth'
import { beginSso } from '../../identity/begin-sso'
import { LoomError } from '../../errors'
import { defineApiHandler } from '../../utils/api-handler'
import { readJson } from '../../utils/read-request'
import { BeginSso } from '../../../shared/sso'

/** Where the browser goes to sign in at the identity provider, or to connect its account there. */
export default defineApiHandler({ access: 'public' }, async ({ event, principal, ip, runtime }) => {
  const input = await readJson(event, BeginSso)
  if (input.link && principal?.kind !== 'session') throw new LoomError('unauthenticated', 'Log in first, then connect your account.')
  const headers = { 'cookie': getRequestHeader(event, 'cookie') ?? '', 'user-agent': getRequestHeader(event, 'user-agent') ?? '', [CLIENT_IP_HEADER]: ip ?? '' }
  const { url, cookies } = await beginSso(runtime, input, headers)
  appendResponseHeader(event, 'set-cookie', cookies)
  return { url }
})
