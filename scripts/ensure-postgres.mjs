import { existsSync, readdirSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { ScriptError } from './project.mjs'
import { runCommand } from './run-command.mjs'

/** Where Debian keeps each version's programs; they are not in PATH there. */
const debianFolder = '/usr/lib/postgresql'

/** @returns {string | undefined} the folder of PostgreSQL's programs, the newest version where there are several */
export function findPostgresPrograms() {
  const versions = existsSync(debianFolder) ? readdirSync(debianFolder).sort((a, b) => Number(b) - Number(a)) : []
  const folders = [...versions.map(version => join(debianFolder, version, 'bin')), ...(process.env.PATH ?? '').split(delimiter)]
  return folders.find(folder => existsSync(join(folder, 'initdb')) && existsSync(join(folder, 'postgres')))
}

/**
 * Installs PostgreSQL from the system's packages, where it is missing and this is root on a Debian.
 * @throws {ScriptError} when it is missing still, and `LOOM_REQUIRE_POSTGRES` is set
 */
export async function ensurePostgres() {
  if (findPostgresPrograms()) return
  if (process.getuid?.() === 0 && existsSync('/usr/bin/apt-get')) {
    console.log('Installing PostgreSQL for the tests ...')
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
    const updated = await runCommand('apt-get', ['update', '-q'], { env, quiet: true })
    if (updated === 0) await runCommand('apt-get', ['install', '-y', '-q', '--no-install-recommends', 'postgresql'], { env, quiet: true })
  }
  if (findPostgresPrograms()) return
  if (process.env.LOOM_REQUIRE_POSTGRES) throw new ScriptError('PostgreSQL is required for these tests and is neither installed nor installable; install it (Debian: apt-get install postgresql).')
}
