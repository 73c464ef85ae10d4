import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { linkNode } from './pinned-node.mjs'
import { root } from './project.mjs'

const patches = [
  {
    /**
     * postgres 3.4.9 gathers small writes for the next turn of the event loop. When the connection closes in between, what
     * was gathered stays in the way of everything sent after the reconnection, and a write to the closed connection
     * throws outside of any promise, which ends the process. Delete this once a release has both repairs.
     * Sources: https://github.com/porsager/postgres/issues/1154 and https://github.com/porsager/postgres/issues/1208
     */
    file: 'postgres/src/connection.js',
    replacements: [
      ['    const x = socket.write(chunk, fn)\n', '    if (socket === null) {\n      chunk = nextWriteTimer = null\n      error(Errors.connection(\'CONNECTION_CLOSED\', options))\n      return false\n    }\n    const x = socket.write(chunk, fn)\n'],
      ['    clearImmediate(nextWriteTimer)\n    socket.removeListener(', '    clearImmediate(nextWriteTimer)\n    chunk = nextWriteTimer = null\n    socket.removeListener('],
      ['    clearImmediate(nextWriteTimer)\n    if (socket) {', '    clearImmediate(nextWriteTimer)\n    chunk = nextWriteTimer = null\n    if (socket) {']
    ]
  },
  {
    /**
     * postgres 3.4.9 asks each new connection for the array types, and nobody hears when that fails, which ends the process; whoever
     * waits for the connection is told by itself. A connection without the types would read arrays as text. Delete this once a release has the repair.
     * Source: https://github.com/porsager/postgres/issues/1192
     */
    file: 'postgres/src/connection.js',
    replacements: [['        return fetchArrayTypes()\n', '        return fetchArrayTypes().catch(() => socket && socket.destroy())\n']]
  },
  // These two keep what a call leaves behind young (docs/decisions/2026-11-28-no-closure-is-born-old.md).
  {
    file: 'postgres/src/query.js',
    replacements: [[
      '    this.resolve = x => (this.active = false, resolve(x))\n    this.reject = x => (this.active = false, reject(x))\n\n    this.active',
      '    const settleBy = settle => x => (this.active = false, settle(x))\n    this.resolve = settleBy(resolve)\n    this.reject = settleBy(reject)\n\n    this.active'
    ]]
  },
  {
    file: 'undici/lib/api/api-request.js',
    replacements: [['    this.abort = (reason) => controller.abort(reason)\n', '    const abort = (reason) => controller.abort(reason)\n    this.abort = abort\n']]
  }
]

/** Makes repairs in packages that their authors have not released yet. Runs after each installation; done ones stay. */
export function patchPackages() {
  for (const { file, replacements } of patches) {
    const path = join(root, 'node_modules', file)
    const original = readFileSync(path, 'utf8')
    const patched = replacements.reduce((text, [before = '', after = '']) => repair(file, text, before, after), original)
    if (patched === original) continue
    // Whole or not at all, and never through a link into somebody else's folder.
    writeFileSync(`${path}.patched`, patched)
    renameSync(`${path}.patched`, path)
  }
}

/**
 * @param {string} file
 * @param {string} text
 * @param {string} before
 * @param {string} after
 */
function repair(file, text, before, after) {
  if (text.includes(after)) return text
  if (!text.includes(before)) throw new Error(`${file} is not the version that scripts/patch-packages.mjs repairs. Is the repair still needed?`)
  return text.replace(before, () => after)
}

// npm does after each installation.
if (process.argv[1] === fileURLToPath(import.meta.url)) {
  linkNode()
  patchPackages()
}
