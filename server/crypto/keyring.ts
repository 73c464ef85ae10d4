import type { KeyObject } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import type { Config } from '../config'
import { deriveMark, deriveOrgKey, derivePlatformKey, deriveSessionSecret } from './envelope'
import { keepSecret } from './keep-secret'

const MAX_ORGS = 10_000

/** The keys everything is sealed with, derived from one master key that never leaves this object. */
export interface Keyring {
  /** No `ENCRYPTION_MASTER_KEY` was set: the master key is the one Loom made and keeps in its data directory. Worth a warning at each start. */
  generated: boolean
  /** The org's AES-256 key. */
  forOrg: (orgId: string, salt: Buffer) => KeyObject
  /** Drops what is derived for an org (all orgs without one): its salt is another now, or will be asked for again. */
  forgetOrg: (orgId: string | undefined) => void
  /** The key of what belongs to no org. */
  forPlatform: () => KeyObject
  /** What sessions are signed with, unless a secret of their own is set. */
  forSessions: () => string
  /** What a database is kept to its master key by. */
  mark: () => string
}

/** @throws {Error} when a master key must be made or read and the data directory does not allow it */
export function openKeyring(config: Pick<Config, 'ENCRYPTION_MASTER_KEY' | 'LOOM_DATA_DIR'>): Keyring {
  const hex = config.ENCRYPTION_MASTER_KEY ?? keepSecret(config.LOOM_DATA_DIR, 'master-key')
  const masterKey = Buffer.from(hex, 'hex')
  const platformKey = derivePlatformKey(masterKey)
  const sessionSecret = deriveSessionSecret(masterKey)
  const mark = deriveMark(masterKey)
  const orgKeys = new LRUCache<string, KeyObject>({ max: MAX_ORGS })
  return {
    generated: config.ENCRYPTION_MASTER_KEY === undefined,
    forPlatform: () => platformKey,
    forSessions: () => sessionSecret,
    mark: () => mark,
    forgetOrg(orgId) {
      for (const name of orgKeys.keys()) if (!orgId || name.startsWith(`${orgId}:`)) orgKeys.delete(name)
    },
    forOrg(orgId, salt) {
      // The salt is part of the name: a purged org's key must not outlive its salt.
      const name = `${orgId}:${salt.toString('base64')}`
      const known = orgKeys.get(name)
      if (known) return known
      const key = deriveOrgKey(masterKey, orgId, salt)
      orgKeys.set(name, key)
      return key
    }
  }
}
