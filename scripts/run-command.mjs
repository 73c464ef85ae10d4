import { spawn } from 'node:child_process'
import { constants } from 'node:os'
import { root } from './project.mjs'

/** A terminal's Ctrl-C arrives from the terminal and again from npm: signals this close together are one. */
const sameSignalMs = 1_000

/** @type {NodeJS.Signals[]} */
const forwarded = ['SIGINT', 'SIGTERM', 'SIGHUP']

/** How often a script that npm runs looks whether it still does. */
const parentMs = 500

const windows = process.platform === 'win32'

/**
 * Becomes the program ("$0" "$@"), and leaves a guard behind that ends the program when this process, which holds the
 * other end of descriptor 3, is gone. Without it, a start that is killed would leave its npm running, and the next
 * start would install into the same folder beside it. At once, for npm would take its time to clean up.
 */
const guarded = '(trap "" HUP INT TERM; read -r _ <&3; kill -KILL 0) & exec 3<&-; exec "$0" "$@"'

/**
 * Runs a program to its end, passing signals on to it. Once the program has ended after such a signal, so does this process.
 *
 * The program gets a process group of its own, so that it receives each signal once: from here, not from the terminal too.
 *
 * @param {string} command
 * @param {string[]} parameters
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv, quiet?: boolean }} [options] quiet: the output is held back, and printed only on failure
 * @returns {Promise<number>} the exit code, or 128 + the number of the signal that ended it
 */
export async function runCommand(command, parameters, { cwd = root, env = process.env, quiet = false } = {}) {
  const output = quiet ? 'pipe' : 'inherit'
  // There npm is a script, which only a shell starts; and a shell would split the paths of others at their spaces.
  const child = windows
    ? spawn(command, parameters, { cwd, env, stdio: ['ignore', output, output], shell: command === 'npm' })
    : spawn('sh', ['-c', guarded, command, ...parameters], { cwd, env, stdio: ['ignore', output, output, 'pipe'], detached: true })
  child.once('exit', () => child.stdio[3]?.destroy())
  /** @type {Buffer[]} */
  const held = []
  child.stdout?.on('data', chunk => held.push(chunk))
  child.stderr?.on('data', chunk => held.push(chunk))

  let lastSignalAt = 0
  /** @param {NodeJS.Signals} signal */
  const forward = (signal) => {
    if (Date.now() - lastSignalAt < sameSignalMs) return
    lastSignalAt = Date.now()
    // A closed terminal asks the program to end, not to vanish.
    child.kill(signal === 'SIGHUP' ? 'SIGTERM' : signal)
  }
  for (const signal of forwarded) process.on(signal, forward)
  const watch = watchNpm(() => forward('SIGTERM'))
  try {
    const code = await exitCodeOf(child)
    if (lastSignalAt > 0) process.exit(code)
    if (code !== 0) process.stderr.write(Buffer.concat(held))
    return code
  } finally {
    for (const signal of forwarded) process.off(signal, forward)
    clearInterval(watch)
  }
}

/**
 * npm passes a signal on to the shell that runs a script, and some shells (dash) end by it without a word to the script. Whoever stops `npm start` stops Loom.
 * @param {() => void} gone called once, when the shell or npm has ended
 */
function watchNpm(gone) {
  if (windows || process.env.npm_lifecycle_event === undefined) return undefined
  const parent = process.ppid
  const watch = setInterval(() => {
    if (process.ppid === parent) return
    clearInterval(watch)
    gone()
  }, parentMs)
  return watch
}

/**
 * @param {import('node:child_process').ChildProcess} child
 * @returns {Promise<number>}
 */
function exitCodeOf(child) {
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => resolve(code ?? 128 + (signal ? constants.signals[signal] : 0)))
  })
}
