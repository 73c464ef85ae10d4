import { copyFile, mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { installsAll } from './pinned-node.mjs'
import { npmEnvironment, root, ScriptError } from './project.mjs'
import { runCommand } from './run-command.mjs'

/** @typedef {Record<string, { version?: string, integrity?: string, optional?: boolean, os?: string | string[], cpu?: string | string[], libc?: string | string[] }>} Packages those of a lockfile, by their paths */

/** Of the Node that npm runs on where the system's own leaves packages out: the one in node_modules goes away as npm begins. */
const nodeFolder = join(root, '.cache', 'node')

/**
 * Installs what the lockfile says, all of it.
 * @param {Packages} packages of the lockfile
 * @throws {ScriptError} when npm fails
 */
export async function installPackages(packages) {
  if (installsAll(process.version)) return installIn(root, 'npm', [], npmEnvironment())
  await installNode(packages)
  const binaries = join(nodeFolder, 'node_modules', '.bin')
  const npm = process.env.npm_execpath
  // Some systems' npm, called by its name, starts another Node than the first in PATH.
  if (npm?.endsWith('npm-cli.js')) await installIn(root, join(binaries, 'node'), [npm], npmEnvironment(binaries))
  else await installIn(root, 'npm', [], npmEnvironment(binaries))
  await rm(nodeFolder, { recursive: true })
}

/**
 * Installs the pinned Node alone, as the lockfile has it.
 * @param {Packages} packages of the lockfile
 */
async function installNode(packages) {
  const name = `node-linux-${process.arch}`
  const path = `node_modules/${name}`
  const dependencies = { [name]: packages[path]?.version }
  await mkdir(nodeFolder, { recursive: true })
  await writeFile(join(nodeFolder, 'package.json'), JSON.stringify({ dependencies }))
  await writeFile(join(nodeFolder, 'package-lock.json'), JSON.stringify({ lockfileVersion: 3, packages: { '': { dependencies }, [path]: packages[path] } }))
  // It may name a registry.
  await copyFile(join(root, '.npmrc'), join(nodeFolder, '.npmrc'))
  await installIn(nodeFolder, 'npm', [], npmEnvironment())
}

/**
 * @param {string} folder of the lockfile
 * @param {string} command what starts npm
 * @param {string[]} parameters of the command
 * @param {NodeJS.ProcessEnv} env
 */
async function installIn(folder, command, parameters, env) {
  // NODE_ENV=production makes npm leave out the packages that build the app.
  const code = await runCommand(command, [...parameters, 'ci', '--include=dev', '--include=optional', '--loglevel=error'], { cwd: folder, env })
  if (code !== 0) throw new ScriptError(`installing packages failed: npm ci ended with exit code ${code}. Its own words are above; check the network and the npm registry, then run the command again.`)
}
