import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { root, ScriptError } from './project.mjs'

const oldestMajor = 24

/**
 * Why Loom cannot run on a system: its own Node is too old, and the lockfile pins none that starts there, or npm on it leaves out what the build needs.
 * @param {{ version: string, platform: string, arch: string, hasGlibc: boolean }} system
 * @returns {string | undefined} one line for whoever runs it; undefined where all is well
 */
export function nodeFault({ version, platform, arch, hasGlibc }) {
  const isPinned = platform === 'linux' && hasGlibc && ['arm64', 'x64'].includes(arch)
  if (isRecent(version)) return undefined
  if (!isPinned) return installNode(version)
  return installsAll(version) ? undefined : `Node 20.19, 22.12 or newer is needed, and this is ${version}: npm on it leaves out packages that the build needs. Install one from https://nodejs.org.`
}

/**
 * To be asked before anything is installed.
 * @throws {ScriptError} where Loom could not run on what would be
 */
export function requireNode() {
  const { version, platform, arch } = process
  const fault = nodeFault({ version, platform, arch, hasGlibc: hasGlibc() })
  if (fault) throw new ScriptError(fault)
}

/**
 * The Node that runs Loom: the one the lockfile pins, where it has one for this platform, else the current one.
 * @throws {ScriptError} when neither is recent enough
 */
export function findNode() {
  const pinned = join(root, 'node_modules', '.bin', 'node')
  // A package made for another C library is there, but does not start.
  const runs = spawnSync(pinned, ['--version']).status === 0
  if (runs) return pinned
  if (isRecent(process.version)) return process.execPath
  throw new ScriptError(installNode(process.version))
}

/** @param {string} version */
function isRecent(version) {
  return Number(version.slice(1).split('.')[0]) >= oldestMajor
}

/**
 * Whether npm installs the native parts of packages: those that name another Node are optional, and left out without a word.
 * @param {string} version
 */
function installsAll(version) {
  const [major = 0, minor = 0] = version.slice(1).split('.').map(Number)
  return (major === 20 && minor >= 19) || (major === 22 && minor >= 12) || major > 22
}

/** @param {string} version */
function installNode(version) {
  return `Node ${oldestMajor} or newer is needed, and this is ${version}. Loom brings its own on Linux with glibc (x64, arm64) alone; here, install one from https://nodejs.org.`
}

/** Whether this process runs on glibc, as a pinned Node does; Alpine Linux has another C library. */
function hasGlibc() {
  const report = process.report.getReport()
  return 'header' in report && typeof report.header === 'object' && report.header !== null && 'glibcVersionRuntime' in report.header
}
