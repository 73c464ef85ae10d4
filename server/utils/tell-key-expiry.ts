import type { ServerResponse } from 'node:http'
import type { Caller } from '../gateway/caller'
import { EXPIRY_WARNING_MS } from '../../shared/keys'

/** Says when the key that was shown ends, where that is soon: `x-loom-key-expires`. */
export function tellKeyExpiry(response: ServerResponse, { keyExpiresAtMs }: Pick<Caller, 'keyExpiresAtMs'>): void {
  if (keyExpiresAtMs === null || keyExpiresAtMs - Date.now() > EXPIRY_WARNING_MS) return
  response.setHeader('x-loom-key-expires', new Date(keyExpiresAtMs).toISOString())
}
