import { fileURLToPath } from 'node:url'
import { delimiter, join } from 'node:path'

/** The repository's root: scripts work from any current directory. */
export const root = fileURLToPath(new URL('..', import.meta.url))

const localBinaries = join(root, 'node_modules', '.bin')

/** The environment for the project's own tools: the pinned Node and the installed binaries come first. */
export function toolEnvironment() {
  return { ...process.env, PATH: [localBinaries, ...otherPaths()].join(delimiter) }
}

/**
 * The environment for npm, which replaces node_modules and so must not run on the Node inside it.
 * @param {string[]} folders what else comes first
 */
export function npmEnvironment(...folders) {
  return { ...process.env, PATH: [...folders, ...otherPaths()].join(delimiter) }
}

function otherPaths() {
  return (process.env.PATH ?? '').split(delimiter).filter(path => !path.endsWith(join('node_modules', '.bin')))
}

/** A failure to tell in one line, without a stack. */
export class ScriptError extends Error {}

/**
 * Runs a script's body: an expected failure is one line and exit code 1.
 * @param {() => Promise<void>} body
 */
export async function main(body) {
  try {
    await body()
  } catch (error) {
    console.error(error instanceof ScriptError ? `\nLoom: ${error.message}` : error)
    process.exitCode = 1
  }
}
