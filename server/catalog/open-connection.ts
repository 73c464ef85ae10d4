import { isPrivateHost } from '../connections/private-network'
import { LoomError } from '../errors'
import { open } from '../crypto/envelope'
import type { Keyring } from '../crypto/keyring'
import type { Connection } from '../gateway/providers/provider'
import { providers } from '../gateway/providers/registry'
import type { ConnectionRow } from './load-snapshot'

/** What a connection's secret is sealed with besides its key: it opens in no other row and for no other owner. */
export function secretContext(orgId: string | null, connectionId: string): string {
  return `connection:${orgId ?? 'platform'}:${connectionId}`
}

/**
 * A stored connection ready to use.
 * @throws {LoomError} `no_healthy_target` when its secret or its config cannot be read (another master key, a row of an older version)
 */
export function openConnection(row: ConnectionRow, keyring: Keyring, orgSalt: Buffer): Connection {
  const { id, kind, name, baseUrl } = row
  // A private address that shows in the URL was let through by a platform admin; one that hides behind a public name was not.
  const publicOnly = row.orgId !== null && baseUrl !== null && !isPrivateHost(new URL(baseUrl).hostname)
  try {
    return { id, kind, name, baseUrl, secret: openSecret(row, keyring, orgSalt), config: providers[kind].Config.parse(row.config), publicOnly, isShared: row.orgId === null }
  } catch (cause) {
    throw new LoomError('no_healthy_target', `Connection "${name}" cannot be read. Ask an admin to save it again under Connections.`, { cause })
  }
}

function openSecret({ id, orgId, secret, secretIv }: ConnectionRow, keyring: Keyring, orgSalt: Buffer): string | null {
  if (!secret || !secretIv) return null
  const key = orgId === null ? keyring.forPlatform() : keyring.forOrg(orgId, orgSalt)
  return open(key, secretContext(orgId, id), { data: secret, iv: secretIv }).toString('utf8')
}
