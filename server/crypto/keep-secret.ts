import { randomBytes } from 'node:crypto'
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const BYTES = 32
const HEX = /^[0-9a-f]{64}$/i

/**
 * The 32-byte secret (hex) kept in `directory` under `name`, made on first use with mode 0600. Processes starting at
 * once agree on one: the file appears whole under its name or not at all, and the first wins.
 * @throws {Error} when the file cannot be read or written, or holds something else
 */
export function keepSecret(directory: string, name: string): string {
  return findSecret(directory, name) ?? makeSecret(directory, join(directory, name))
}

/**
 * The secret (hex) kept in `directory` under `name`; undefined where there is none.
 * @throws {Error} as `keepSecret`
 */
export function findSecret(directory: string, name: string): string | undefined {
  return readSecret(join(directory, name))
}

function makeSecret(directory: string, path: string): string {
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  const draft = `${path}.${process.pid}.${randomBytes(4).toString('hex')}`
  writeFileSync(draft, `${randomBytes(BYTES).toString('hex')}\n`, { mode: 0o600, flag: 'wx', flush: true })
  try {
    linkSync(draft, path)
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw error
  } finally {
    rmSync(draft)
  }
  const secret = readSecret(path)
  if (!secret) throw new Error(`${path} vanished right after it was written`)
  return secret
}

function readSecret(path: string): string | undefined {
  let text: string
  try {
    text = readFileSync(path, 'utf8').trim()
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined
    throw error
  }
  if (!HEX.test(text)) throw new Error(`${path} must hold 64 hexadecimal characters. Restore it from a backup.`)
  return text.toLowerCase()
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}
