import { copyFile, mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { installsAll, pinnedName, systemNodeVersion } from './pinned-node.mjs'
import { npmEnvironment, root, ScriptError } from './project.mjs'
import { runCommand } from './run-command.mjs'

/** @typedef {Record<string, { version?: string, integrity?: string, optional?: boolean, os?: string | string[], cpu?: string | string[], libc?: string | string[] }>} Packages those of a lockfile, by their paths */

/** Of the Node and the npm that install where the system's own leave packages out: those in node_modules go away as npm begins. */
const toolsFolder = join(root, '.cache', 'npm')

/** An old npm leaves out what is for glibc, too, which it takes for missing. */
const npm = { version: '11.19.1', integrity: 'sha512-ztsxKxt/kkIaAs+2i0GU6I+DRmUdrNasxTZKJe9TCdSjKxlhah/4r/hl5ygMD6XAg1qZ9c2TNomR4qgOydp10g==' }

/**
 * Installs what the lockfile says, all of it.
 * @param {Packages} packages of the lockfile
 * @throws {ScriptError} when npm fails
 */
export async function installPackages(packages) {
  if (installsAll(systemNodeVersion())) return installIn(root, 'npm', [], npmEnvironment())
  await installTools(packages)
  const modules = join(toolsFolder, 'node_modules')
  const binaries = join(modules, pinnedName, 'bin')
  await installIn(root, join(binaries, 'node'), [join(modules, 'npm', 'bin', 'npm-cli.js')], npmEnvironment(binaries))
  await rm(toolsFolder, { recursive: true })
}

/**
 * Installs the pinned Node, as the lockfile has it, and an npm.
 * @param {Packages} packages of the lockfile
 */
async function installTools(packages) {
  const { version, integrity } = packages[`node_modules/${pinnedName}`] ?? {}
  const dependencies = { [pinnedName]: version, npm: npm.version }
  const tools = { [`node_modules/${pinnedName}`]: { version, integrity }, 'node_modules/npm': npm }
  await mkdir(toolsFolder, { recursive: true })
  await writeFile(join(toolsFolder, 'package.json'), JSON.stringify({ dependencies }))
  await writeFile(join(toolsFolder, 'package-lock.json'), JSON.stringify({ lockfileVersion: 3, packages: { '': { dependencies }, ...tools } }))
  // It may name a registry.
  await copyFile(join(root, '.npmrc'), join(toolsFolder, '.npmrc'))
  await installIn(toolsFolder, 'npm', [], npmEnvironment())
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
