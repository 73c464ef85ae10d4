import { LoomError } from '../errors'
import { roleReaches } from '../../shared/roles'
import type { MemberRole } from '../../shared/identity'

/** Who is calling, in which org, with which role: the one answer every route works with. */
export interface Principal {
  kind: 'session' | 'key'
  userId: string
  orgId: string
  /** The user's current role in `orgId`. */
  role: MemberRole
  platformAdmin: boolean
  /** The project a key is bound to; whatever it does stays in there. */
  projectId: string | null
  /** The call changes something: what the caller may only read is out of its reach. */
  writes?: boolean
  keyId: string | null
  /** Where the call comes from, as far as that can be trusted: what calls of models made for it are judged by. */
  ip: string | null
}

/**
 * For what gives somebody a power that lasts: it would outlive a key with all its bounds.
 * @throws {LoomError} `forbidden` for an API key
 */
export function requirePerson({ kind }: Pick<Principal, 'kind'>): void {
  if (kind === 'key') throw new LoomError('forbidden', 'This is for people who are signed in, not for API keys.')
}

/** @throws {LoomError} `forbidden` when the principal's role in the org is below `needed` */
export function requireRole(principal: Principal, needed: MemberRole): void {
  if (roleReaches(principal.role, needed)) return
  throw new LoomError('forbidden', `This needs the role ${needed} in this organisation; yours is ${principal.role}.`)
}
