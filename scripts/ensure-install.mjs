import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { installPackages } from './install-packages.mjs'
import { patchPackages } from './patch-packages.mjs'
import { installsAll, linkNode, requireNode, systemNodeVersion } from './pinned-node.mjs'
import { main, root, ScriptError } from './project.mjs'
import { withLock } from './take-lock.mjs'

/** @typedef {import('./install-packages.mjs').Packages} Packages */

/**
 * Installs the packages of the lockfile unless they are there already.
 * @throws {ScriptError} when npm fails, or what it installed could not run here
 */
export async function ensureInstalled() {
  requireNode()
  const wanted = await readLockfile(join(root, 'package-lock.json'))
  if (!wanted) throw new ScriptError('package-lock.json is missing or damaged; restore it with git.')
  if (!await isInstalled(wanted)) {
    console.log('Installing packages (about half a minute) ...')
    await installPackages(wanted)
  }
  // npm did it already, unless it was told to run no scripts.
  linkNode()
  patchPackages()
}

/**
 * Whether node_modules is what the lockfile says. npm writes its own copy of the lockfile into node_modules as the
 * last step of an installation, so one that was stopped half-way does not match.
 * @param {Packages} wanted
 */
async function isInstalled(wanted) {
  const present = await readLockfile(join(root, 'node_modules', '.package-lock.json'))
  if (!present) return false
  return Object.entries(wanted).every(([path, entry]) => {
    const installed = present[path]
    return path === '' || (installed ? installed.version === entry.version && installed.integrity === entry.integrity : mayMiss(entry))
  })
}

/**
 * Optional packages for other platforms are not installed; those for this one are, unless somebody ran an npm that leaves them out.
 * @param {Packages[string]} entry of the lockfile
 */
function mayMiss({ optional, os, cpu, libc = 'glibc' }) {
  const isForThis = [os].flat().includes(process.platform) && [cpu].flat().includes(process.arch) && [libc].flat().includes('glibc')
  return optional && (!isForThis || installsAll(systemNodeVersion()))
}

/**
 * @param {string} path
 * @returns {Promise<Packages | undefined>}
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
