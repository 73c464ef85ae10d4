import { randomBytes } from 'node:crypto'
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { open, seal } from '../../server/crypto/envelope'
import { keepSecret } from '../../server/crypto/keep-secret'
import { openKeyring } from '../../server/crypto/keyring'
import { authSecret, isOwnAuthSecret } from '../../server/identity/auth-secret'

let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'loom-keyring-'))
})
afterEach(() => rmSync(directory, { recursive: true }))

describe('the key ring', () => {
  const salt = randomBytes(32)

  test('without ENCRYPTION_MASTER_KEY makes one, readable by its owner alone, and uses it at the next start', () => {
    const first = openKeyring({ LOOM_DATA_DIR: join(directory, 'new') })
    const second = openKeyring({ LOOM_DATA_DIR: join(directory, 'new') })
    expect(first.generated).toBe(true)
    expect(second.forOrg('a', salt)).toEqual(first.forOrg('a', salt))
    expect(statSync(join(directory, 'new', 'master-key')).mode & 0o777).toBe(0o600)
    expect(readdirSync(join(directory, 'new'))).toEqual(['master-key'])
  })

  test('with ENCRYPTION_MASTER_KEY keeps nothing on disk', () => {
    expect(openKeyring({ ENCRYPTION_MASTER_KEY: 'ab'.repeat(32), LOOM_DATA_DIR: directory }).generated).toBe(false)
    expect(readdirSync(directory)).toEqual([])
  })

  test('refuses a damaged master key instead of making another', () => {
    writeFileSync(join(directory, 'master-key'), 'half a k')
    expect(() => openKeyring({ LOOM_DATA_DIR: directory })).toThrow('64 hexadecimal')
  })

  test('what one org sealed opens for no other org, salt or row', () => {
    const keyring = openKeyring({ LOOM_DATA_DIR: directory })
    const sealed = seal(keyring.forOrg('a', salt), 'row:1', Buffer.from('secret'))
    expect(open(keyring.forOrg('a', salt), 'row:1', sealed).toString()).toBe('secret')
    expect(() => open(keyring.forOrg('b', salt), 'row:1', sealed)).toThrow()
    expect(() => open(keyring.forOrg('a', randomBytes(32)), 'row:1', sealed)).toThrow()
    expect(() => open(keyring.forPlatform(), 'row:1', sealed)).toThrow()
    expect(() => open(keyring.forOrg('a', salt), 'row:2', sealed)).toThrow()
  })
})

describe('the secret of sessions', () => {
  const masterKey = 'ab'.repeat(32)
  const secretOf = (config: { AUTH_SECRET?: string, ENCRYPTION_MASTER_KEY?: string }, folder = directory) =>
    authSecret({ ...config, LOOM_DATA_DIR: folder }, openKeyring({ ...config, LOOM_DATA_DIR: folder }))

  test('follows from the master key where none is set, so that replicas with folders of their own agree', () => {
    const secret = secretOf({ ENCRYPTION_MASTER_KEY: masterKey }, join(directory, 'one'))
    expect(secret).toMatch(/^[0-9a-f]{64}$/)
    expect(secretOf({ ENCRYPTION_MASTER_KEY: masterKey }, join(directory, 'two'))).toBe(secret)
    expect(secretOf({ ENCRYPTION_MASTER_KEY: 'cd'.repeat(32) }, join(directory, 'two'))).not.toBe(secret)
    expect(secretOf({ AUTH_SECRET: 'another for the sessions alone, please' })).toBe('another for the sessions alone, please')
    expect(isOwnAuthSecret({ LOOM_DATA_DIR: directory })).toBe(false)
  })

  test('stays what an earlier version made, so that nobody is signed out', () => {
    const kept = keepSecret(directory, 'auth-secret')
    expect(secretOf({ ENCRYPTION_MASTER_KEY: masterKey })).toBe(kept)
    expect(isOwnAuthSecret({ LOOM_DATA_DIR: directory })).toBe(true)
    expect(isOwnAuthSecret({ AUTH_SECRET: kept, LOOM_DATA_DIR: directory })).toBe(false)
  })
})

test('a kept secret differs by name and stays the same', () => {
  expect(keepSecret(directory, 'one')).toMatch(/^[0-9a-f]{64}$/)
  expect(keepSecret(directory, 'one')).not.toBe(keepSecret(directory, 'two'))
  expect(keepSecret(directory, 'one')).toBe(keepSecret(directory, 'one'))
})
