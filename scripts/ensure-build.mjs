import { createHash } from 'node:crypto'
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { findNode } from './pinned-node.mjs'
import { main, root, ScriptError, toolEnvironment } from './project.mjs'
import { runCommand } from './run-command.mjs'
import { withLock } from './take-lock.mjs'

/** The built server. */
const serverEntry = join(root, '.output', 'server', 'index.mjs')

/**
 * What Node is given to run it. A call leaves some 80 KB of garbage: a young generation that holds more of it than V8's own is collected less often. The old one is collected once it
 * has grown by half: V8 would let it grow several times over, 200 MB in minutes of little use. Both sizes are a balance (`docs/decisions/2026-11-30-the-heap-has-room-between-full-collections.md`). No memory
 * reducer: at few calls a second it collects everything again and again (50 ms each), and throws away the size the heap had found. The young generation
 * is collected by one thread: little survives there, and where all processors work, every call waits for the last of several. V8 does not pretenure
 * (`docs/decisions/2026-11-29-nothing-is-pretenured.md`).
 */
export const serverArguments = ['--max-semi-space-size=16', '--heap-growing-percent=50', '--no-memory-reducer', '--no-parallel-scavenge', '--no-allocation-site-pretenuring', serverEntry]

const stampPath = join(root, '.output', 'built-from')
const sourcePaths = ['app', 'server', 'shared', 'db', 'drizzle', 'public', 'nuxt.config.ts', 'tsconfig.json', 'package.json', 'package-lock.json', 'scripts/patch-packages.mjs', 'scripts/replace-imports.ts', 'scripts/collect-tools.mjs']

/**
 * Builds the production server unless `.output` was built from these very sources.
 * @throws {ScriptError} when the build fails
 */
export async function ensureBuilt() {
  if (await readStamp() === await hashSources()) return
  console.log('Building Loom (about half a minute) ...')
  await build({ quiet: true })
}

/**
 * The stamp of the sources is written last and lies in the folder that a build empties first, so a build that was stopped half-way has none.
 * @param {{ quiet: boolean }} options quiet: what the build says is printed only when it fails
 */
async function build({ quiet }) {
  const sources = await hashSources()
  await rm(stampPath, { force: true })
  const code = await runCommand(findNode(), [join(root, 'node_modules', 'nuxt', 'bin', 'nuxt.mjs'), 'build'], {
    env: { ...toolEnvironment(), NODE_ENV: 'production', NUXT_TELEMETRY_DISABLED: '1' },
    quiet
  })
  if (code !== 0) throw new ScriptError(`the build failed with exit code ${code}; its own words are above.`)
  await mkdir(join(root, '.output'), { recursive: true })
  await writeFile(stampPath, sources)
}

async function readStamp() {
  try {
    return await readFile(stampPath, 'utf8')
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}

async function hashSources() {
  const hash = createHash('sha256').update(process.platform).update(process.arch)
  for (const path of sourcePaths) await hashPath(hash, path)
  return hash.digest('hex')
}

/**
 * @param {import('node:crypto').Hash} hash
 * @param {string} path relative to the root
 */
async function hashPath(hash, path) {
  const children = await listFolder(path)
  if (!children) return hash.update(`${path}\0missing\0`)
  if (children === 'file') return hash.update(`${path}\0`).update(await readFile(join(root, path))).update('\0')
  for (const child of children) await hashPath(hash, join(path, child))
}

/**
 * @param {string} path relative to the root
 * @returns {Promise<string[] | 'file' | undefined>} the sorted names in a folder; undefined where nothing is
 */
async function listFolder(path) {
  try {
    return (await readdir(join(root, path))).sort()
  } catch (error) {
    if (isMissing(error)) return undefined
    if (error instanceof Error && 'code' in error && error.code === 'ENOTDIR') return 'file'
    throw error
  }
}

/** @param {unknown} error */
function isMissing(error) {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT'
}

// `npm run build`: whatever there is already.
if (process.argv[1] === fileURLToPath(import.meta.url)) await main(() => withLock('build', () => build({ quiet: false })))
