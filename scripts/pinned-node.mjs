import { spawnSync } from 'node:child_process'
import { existsSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { npmEnvironment, root, ScriptError } from './project.mjs'

const binaries = join(root, 'node_modules', '.bin')
const pinned = join(binaries, 'node')

/** Of the package that is the pinned Node of this processor. */
export const pinnedName = `node-linux-${process.arch}`

const oldestMajor = 24

/** Of a system's own Node, where the lockfile pins the one that runs Loom. */
const oldestSystemMajor = 20

/**
 * Why Loom cannot run on a system: its own Node is too old, for its scripts or because the lockfile pins none that starts there.
 * @param {{ version: string, platform: string, arch: string, hasGlibc: boolean }} system
 * @returns {string | undefined} one line for whoever runs it; undefined where all is well
 */
export function nodeFault({ version, platform, arch, hasGlibc }) {
  const isPinned = platform === 'linux' && hasGlibc && ['arm64', 'x64'].includes(arch)
  if (isRecent(version)) return undefined
  if (!isPinned) return installNode(version)
  return majorOf(version) >= oldestSystemMajor ? undefined : `Node ${oldestSystemMajor} or newer is needed, and this is ${version}. Install one from https://nodejs.org.`
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
 * Puts the pinned Node where commands of npm find it. An npm before 11.6 makes the link, and takes it away with what it installs of the
 * package for the other processor, whose link has the same name.
 */
export function linkNode() {
  const target = join('..', pinnedName, 'bin', 'node')
  if (existsSync(pinned) || !existsSync(join(binaries, target))) return
  rmSync(pinned, { force: true })
  symlinkSync(target, pinned)
}

/**
 * The Node that runs Loom: the one the lockfile pins, where it has one for this platform, else the current one.
 * @throws {ScriptError} when neither is recent enough
 */
export function findNode() {
  // A package made for another C library is there, but does not start.
  const runs = spawnSync(pinned, ['--version']).status === 0
  if (runs) return pinned
  if (isRecent(process.version)) return process.execPath
  throw new ScriptError(installNode(process.version))
}

/** @param {string} version */
function isRecent(version) {
  return majorOf(version) >= oldestMajor
}

/** @param {string} version */
function majorOf(version) {
  return Number(version.slice(1).split('.')[0])
}

/** The Node that npm runs on. Not this process's: once it is there, scripts that npm runs find the pinned one. */
export function systemNodeVersion() {
  const { status, stdout } = spawnSync('node', ['--version'], { env: npmEnvironment(), encoding: 'utf8' })
  return status === 0 ? stdout.trim() : process.version
}

/**
 * Whether npm on a Node installs what the build needs. The native parts of packages are optional: npm leaves out those that name
 * another Node, without a word, whatever it is told (`--force`, too).
 * @param {string} version
 */
export function installsAll(version) {
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
