import type { EventHandler, EventHandlerRequest, H3Event } from 'h3'
import { defineEventHandler, setResponseHeader, setResponseHeaders, setResponseStatus } from 'h3'
import { LoomError } from '../errors'
import { requireRole } from '../identity/principal'
import type { Principal } from '../identity/principal'
import { requireUnchanged } from '../identity/require-unchanged'
import { resolvePrincipal } from '../identity/resolve-principal'
import { useRuntime } from '../runtime'
import type { Runtime } from '../runtime'
import { toApiError } from './api-error'
import { readClientIp } from './client-ip'
import { askAfterBody } from './late-body'
import { requireSameOrigin } from './same-origin'
import type { MemberRole } from '../../shared/identity'

interface PublicAccess { access: 'public' }
interface MemberAccess {
  /** `member`: anyone in the org; `platform-admin`: whoever runs this installation. */
  access: 'member' | 'platform-admin'
  /** The least role in the org that may do this; default `viewer`. */
  role?: MemberRole
  /** About the org as a whole: refused to keys that are bound to one project. */
  orgWide?: boolean
}

interface ApiCall<Caller> {
  event: H3Event
  principal: Caller
  /** The caller's address, as far as it can be trusted. */
  ip: string | null
  runtime: Runtime
}

type PublicDefinition<Result> = [options: PublicAccess, handler: (call: ApiCall<Principal | null>) => Result | Promise<Result>]
type MemberDefinition<Result> = [options: MemberAccess, handler: (call: ApiCall<Principal>) => Result | Promise<Result>]

/**
 * A handler of `/api`: knows who calls before it runs, refuses strangers, lower roles and calls other sites forge, and
 * answers errors in one shape (`shared/errors.ts`).
 */
export function defineApiHandler<Result>(...definition: PublicDefinition<Result>): EventHandler<EventHandlerRequest, Promise<Result>>
export function defineApiHandler<Result>(...definition: MemberDefinition<Result>): EventHandler<EventHandlerRequest, Promise<Result>>
export function defineApiHandler(...definition: PublicDefinition<unknown> | MemberDefinition<unknown>): EventHandler<EventHandlerRequest, Promise<unknown>> {
  return defineEventHandler(async (event) => {
    try {
      const runtime = useRuntime()
      const ip = readClientIp(event.node.req, runtime.config.TRUSTED_PROXIES)
      const principal = await resolvePrincipal(event, runtime, ip)
      if (principal) askAfterBody(event, async () => requireUnchanged(principal, await resolvePrincipal(event, runtime, ip)))
      if (principal?.kind !== 'key') requireSameOrigin(event, runtime.config.APP_URL)
      // Answers are one caller's: nothing between us may keep them.
      setResponseHeader(event, 'cache-control', 'no-store')
      if (isPublic(definition)) return await definition[1]({ event, principal, ip, runtime })
      return await definition[1]({ event, principal: admit(principal, definition[0]), ip, runtime })
    } catch (error) {
      return answerError(event, error)
    }
  })
}

function isPublic(definition: PublicDefinition<unknown> | MemberDefinition<unknown>): definition is PublicDefinition<unknown> {
  return definition[0].access === 'public'
}

function admit(principal: Principal | null, { access, role = 'viewer', orgWide = false }: MemberAccess): Principal {
  if (!principal) throw new LoomError('unauthenticated', 'Sign in first, or send an API key with the scope `workspace`.')
  if (access === 'platform-admin' && !principal.platformAdmin) throw new LoomError('forbidden', 'Only administrators of this installation may do this.')
  if (orgWide && principal.projectId !== null) throw new LoomError('insufficient_scope', 'This API key is bound to one project; this call needs one of the whole organisation.')
  requireRole(principal, role)
  return role === 'viewer' ? principal : { ...principal, writes: true }
}

function answerError(event: H3Event, error: unknown) {
  const { status, headers, body, unexpected } = toApiError(error)
  if (unexpected) useRuntime().log.error({ err: error, method: event.method, path: event.path.split('?')[0] }, 'A call to /api failed')
  if (event.node.res.headersSent) {
    event.node.res.destroy()
    return
  }
  setResponseStatus(event, status)
  setResponseHeaders(event, headers)
  return body
}
