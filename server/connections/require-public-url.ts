import { LoomError } from '../errors'
import { isPrivateHost } from './private-network'

/**
 * Refuses a base URL that leads into the network Loom itself runs in, where a tenant could reach what only Loom may. Names are judged
 * as they are written; what they resolve to is checked at the call.
 * @throws {LoomError} `invalid_request`
 */
export function requirePublicUrl(baseUrl: string): void {
  if (isPrivateHost(new URL(baseUrl).hostname)) throw new LoomError('invalid_request', 'The base URL leads into a private network. Only platform admins may connect to one.', { param: 'baseUrl' })
}
