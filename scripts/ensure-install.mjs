import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { patchPackages } from './patch-packages.mjs'
import { requireNode } from './pinned-node.mjs'
import { main, npmEnvironment, root, ScriptError } from './project.mjs'
import { runCommand } from './run-command.mjs'
import { withLock } from './take-lock.mjs'

/**
 * Installs the packages of the lockfile unless they are there already.
 * @throws {ScriptError} when npm fails, or what it installed could not run here
 */
export async function ensureInstalled() {
  requireNode()
  if (!await isInstalled()) await install()
  // npm did it already, unless it was told to run no scripts.
  patchPackages()
}

async function install() {
  console.log('Installing packages (about half a minute) ...')
  // NODE_ENV=production makes npm leave out the packages that build the app.
  const code = await runCommand('npm', ['ci', '--include=dev', '--include=optional', '--loglevel=error'], { env: npmEnvironment() })
  if (code !== 0) throw new ScriptError(`installing packages failed: npm ci ended with exit code ${code}. Its own words are above; check the network and the npm registry, then run the command again.`)
}

/**
 * Whether node_modules is what the lockfile says. npm writes its own copy of the lockfile into node_modules as the
 * last step of an installation, so one that was stopped half-way does not match.
 */
async function isInstalled() {
  const wanted = await readLockfile(join(root, 'package-lock.json'))
  const present = await readLockfile(join(root, 'node_modules', '.package-lock.json'))
  if (!wanted) throw new ScriptError('package-lock.json is missing or damaged; restore it with git.')
  if (!present) return false
  return Object.entries(wanted).every(([path, entry]) => {
    const installed = present[path]
    // Optional packages for other platforms are not installed.
    return path === '' || (installed ? installed.version === entry.version && installed.integrity === entry.integrity : entry.optional)
  })
}

/**
 * @param {string} path
 * @returns {Promise<Record<string, { version?: string, integrity?: string, optional?: boolean }> | undefined>}
 */
async function readLockfile(path) {
  try {
    return JSON.parse(await readFile(path, 'utf8')).packages
  } catch (error) {
    if (error instanceof SyntaxError || (error instanceof Error && 'code' in error && error.code === 'ENOENT')) return undefined
    throw error
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main(() => withLock('build', ensureInstalled))
