import { LoomError } from '../errors'
import { roleReaches } from '../../shared/roles'
import type { Principal } from '../identity/principal'

/**
 * Who may open a project is said by the org's admins and by whoever made it.
 * @throws {LoomError} `forbidden` for everybody else, `insufficient_scope` for a key that is bound to one project
 */
export function requireSharing(principal: Principal, { createdBy }: { createdBy: string | null }): void {
  if (principal.projectId !== null) throw new LoomError('insufficient_scope', 'This API key is bound to the project, so it cannot say who may open it.')
  if (roleReaches(principal.role, 'admin') || createdBy === principal.userId) return
  throw new LoomError('forbidden', 'Only admins and whoever made this project say who may open it.')
}
