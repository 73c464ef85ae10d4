import { isPrivateHost } from '../connections/private-network'
import { LoomError } from '../errors'
import type { Principal } from '../identity/principal'

/**
 * Refuses an address that a tenant's alerts may not be sent to. Names are judged as they are written; what they resolve to is checked at each delivery.
 * @throws {LoomError} `invalid_request`
 */
export function requireReachable({ platformAdmin }: Principal, url: string): void {
  const { username, password, hostname } = new URL(url)
  if (username || password) throw new LoomError('invalid_request', 'Leave user and password out of the address; requests are signed instead.', { param: 'url' })
  if (!platformAdmin && isPrivateHost(hostname)) throw new LoomError('invalid_request', 'The address leads into a private network. Only platform admins may send alerts there.', { param: 'url' })
}
