import type { Config } from '../config'
import { findSecret } from '../crypto/keep-secret'
import type { Keyring } from '../crypto/keyring'

/**
 * What signs session cookies and seals second factors: `AUTH_SECRET`, else what follows from the master key, so that replicas which share that agree.
 * Earlier versions made a secret in the data directory: where there is one it stays, or everybody would have to sign in again.
 * @throws {Error} when that file cannot be read, or holds something else
 */
export function authSecret(config: Pick<Config, 'AUTH_SECRET' | 'LOOM_DATA_DIR'>, keyring: Pick<Keyring, 'forSessions'>): string {
  return config.AUTH_SECRET ?? findKept(config) ?? keyring.forSessions()
}

/** Whether it is this machine's alone: other replicas do not have the file. */
export function isOwnAuthSecret(config: Pick<Config, 'AUTH_SECRET' | 'LOOM_DATA_DIR'>): boolean {
  return config.AUTH_SECRET === undefined && findKept(config) !== undefined
}

function findKept({ LOOM_DATA_DIR }: Pick<Config, 'LOOM_DATA_DIR'>): string | undefined {
  return findSecret(LOOM_DATA_DIR, 'auth-secret')
}
