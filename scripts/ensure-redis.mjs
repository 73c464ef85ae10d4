import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { ScriptError } from './project.mjs'
import { runCommand } from './run-command.mjs'

/** @returns {string | undefined} the Redis server's program */
export function findRedisServer() {
  return ['/usr/bin', ...(process.env.PATH ?? '').split(delimiter)].map(folder => join(folder, 'redis-server')).find(path => existsSync(path))
}

/**
 * Installs Redis from the system's packages, where it is missing and this is root on a Debian.
 * @throws {ScriptError} when it is missing still, and `LOOM_REQUIRE_REDIS` is set
 */
export async function ensureRedis() {
  if (findRedisServer()) return
  if (process.getuid?.() === 0 && existsSync('/usr/bin/apt-get')) {
    console.log('Installing Redis for the tests ...')
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
    const updated = await runCommand('apt-get', ['update', '-q'], { env, quiet: true })
    if (updated === 0) await runCommand('apt-get', ['install', '-y', '-q', '--no-install-recommends', 'redis-server'], { env, quiet: true })
  }
  if (findRedisServer()) return
  if (process.env.LOOM_REQUIRE_REDIS) throw new ScriptError('Redis is required for these tests and is neither installed nor installable; install it (Debian: apt-get install redis-server).')
}
