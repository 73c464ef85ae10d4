import type { H3Event } from 'h3'
import { getRequestHeader } from 'h3'
import { LoomError } from '../errors'
import type { Runtime } from '../runtime'
import type { Principal } from './principal'

/**
 * The session of the browser that calls.
 * @throws {LoomError} `forbidden` for an API key, which is nobody's browser
 */
export async function currentSession(event: H3Event, { auth }: Pick<Runtime, 'auth'>, principal: Principal): Promise<{ id: string, token: string, userId: string }> {
  const current = principal.kind === 'key' ? null : await auth.api.getSession({ headers: new Headers({ cookie: getRequestHeader(event, 'cookie') ?? '' }) })
  if (!current) throw new LoomError('forbidden', 'This is for people who are signed in, not for API keys.')
  return current.session
}
