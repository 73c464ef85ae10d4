import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { root, ScriptError } from './project.mjs'

const oldestMajor = 24

/**
 * The Node that runs Loom: the one the lockfile pins, where it has one for this platform, else the current one.
 * @throws {ScriptError} when neither is recent enough
 */
export function findNode() {
  const pinned = join(root, 'node_modules', '.bin', 'node')
  // A package made for another C library is there, but does not start.
  const runs = spawnSync(pinned, ['--version']).status === 0
  if (runs) return pinned
  if (Number(process.versions.node.split('.')[0]) >= oldestMajor) return process.execPath
  throw new ScriptError(`Node ${oldestMajor} or newer is needed, this is ${process.version}, and the packages bring none for ${process.platform}-${process.arch}. Install it from https://nodejs.org.`)
}
