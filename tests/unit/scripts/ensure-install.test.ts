import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, expect, test } from 'vitest'

const run = promisify(execFile)
const onLinux = test.runIf(process.platform === 'linux')

const platform = { optional: true, os: ['linux'], cpu: [process.arch] }
const node = `node_modules/node-linux-${process.arch}`
const packages = {
  '': {},
  'node_modules/all': { version: '1.0.0', integrity: 'sha512-all' },
  'node_modules/native': { version: '1.0.0', integrity: 'sha512-native', ...platform, libc: ['glibc'] },
  'node_modules/native-musl': { version: '1.0.0', integrity: 'sha512-musl', ...platform, libc: ['musl'] },
  'node_modules/elsewhere': { version: '1.0.0', integrity: 'sha512-elsewhere', optional: true, os: ['darwin'], cpu: ['arm64'] },
  [node]: { version: '24.21.0', integrity: 'sha512-node', ...platform }
}

/** What the pinned Node is here, and the system's: this one, that says it is another. */
const pinnedNode = `#!/bin/sh\nNODE=pinned exec "${process.execPath}" "$@"\n`
const systemNode = `#!/bin/sh\nif [ "$1" = --version ]; then echo "$SYSTEM_VERSION"; else NODE=system exec "${process.execPath}" "$@"; fi\n`

/** As an npm before 11.6: installs what the lockfile says for this platform, leaves a link to the pinned Node where there is but one, and `native` out unless both are the pinned ones. Notes what it did. */
const npm = `#!/usr/bin/env node
const { appendFileSync, copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } = require('node:fs')
const isPinned = process.env.NODE === 'pinned' && __filename.endsWith('/node_modules/npm/bin/npm-cli.js')
appendFileSync(${JSON.stringify('ROOT')} + '/runs', (isPinned ? 'pinned' : process.env.NODE) + ' ' + process.argv.slice(2).join(' ') + '\\n')
rmSync('node_modules', { recursive: true, force: true })
if (existsSync(${JSON.stringify('ROOT')} + '/broken')) process.exit(7)
const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8'))
for (const path of Object.keys(packages)) if (/musl|elsewhere/.test(path) || (path.endsWith('native') && !isPinned)) delete packages[path]
mkdirSync('node_modules/.bin', { recursive: true })
const folder = 'node_modules/node-linux-' + process.arch + '/bin'
mkdirSync(folder, { recursive: true })
writeFileSync(folder + '/node', ${JSON.stringify(pinnedNode)}, { mode: 0o755 })
if (packages['node_modules/npm']) mkdirSync('node_modules/npm/bin', { recursive: true })
if (packages['node_modules/npm']) copyFileSync(__filename, 'node_modules/npm/bin/npm-cli.js')
if (!packages['node_modules/all']) symlinkSync('../../' + folder + '/node', 'node_modules/.bin/node')
writeFileSync('node_modules/.package-lock.json', JSON.stringify({ packages }))
`

/** A checkout with nothing in it but what installs packages. */
let root: string

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'loom checkout '))
  await cp(join(import.meta.dirname, '../../../scripts'), join(root, 'scripts'), { recursive: true })
  // Its own test repairs packages.
  await writeFile(join(root, 'scripts/patch-packages.mjs'), 'export function patchPackages() {}')
  await mkdir(join(root, 'bin'))
  await writeFile(join(root, 'bin/npm'), npm.replaceAll('ROOT', root), { mode: 0o755 })
  await writeFile(join(root, 'bin/node'), systemNode, { mode: 0o755 })
  await writeFile(join(root, '.npmrc'), '')
  await writeFile(join(root, 'package-lock.json'), JSON.stringify({ packages }))
})
afterEach(() => rm(root, { recursive: true }))

/** As each script does first, where the system's Node is of this version. It runs on a recent one itself, as scripts do that npm runs once that is there. */
async function ensureInstalled(version: string) {
  const env = { SYSTEM_VERSION: version, PATH: [join(root, 'node_modules/.bin'), join(root, 'bin'), process.env.PATH].join(delimiter) }
  await run(process.execPath, [join(root, 'scripts/ensure-install.mjs')], { env })
}

/** Which Node each npm ran on, and what it was told. */
const runs = async () => (await readFile(join(root, 'runs'), 'utf8')).trim().split('\n').map(line => line.split(' ').slice(0, 2).join(' '))
const installed = async () => Object.keys(JSON.parse(await readFile(join(root, 'node_modules/.package-lock.json'), 'utf8')).packages)
const all = ['', 'node_modules/all', 'node_modules/native', node]

test('packages are installed once, and again when the lockfile has changed', async () => {
  await ensureInstalled('v24.0.0')
  await ensureInstalled('v24.0.0')
  expect(await runs()).toEqual(['system ci'])
  await writeFile(join(root, 'package-lock.json'), JSON.stringify({ packages: { ...packages, 'node_modules/all': { version: '2.0.0' } } }))
  await ensureInstalled('v24.0.0')
  expect(await runs()).toEqual(['system ci', 'system ci'])
})

onLinux.each(['v20.0.0', 'v20.18.3', 'v21.7.3', 'v22.11.0'])('on Node %s, whose npm leaves out packages, a pinned npm runs on the pinned one', async (version) => {
  await ensureInstalled(version)
  expect(await installed()).toEqual(all)
  await ensureInstalled(version)
  expect(await runs()).toEqual(['system ci', 'pinned ci'])
  expect(await readdir(join(root, '.cache'))).toEqual([])
})

onLinux('what has changed is installed so, too, though the pinned Node is there by then', async () => {
  await ensureInstalled('v20.0.0')
  await writeFile(join(root, 'package-lock.json'), JSON.stringify({ packages: { ...packages, 'node_modules/all': { version: '2.0.0' } } }))
  await ensureInstalled('v20.0.0')
  expect(await runs()).toEqual(['system ci', 'pinned ci', 'system ci', 'pinned ci'])
  expect(await installed()).toEqual(all)
})

onLinux('the pinned Node is where commands find it, whether npm leaves its link there or not', async () => {
  await ensureInstalled('v24.0.0')
  const link = join(root, 'node_modules/.bin/node')
  expect(await readFile(link, 'utf8')).toBe(pinnedNode)
  await rm(link)
  await ensureInstalled('v24.0.0')
  expect(await readFile(link, 'utf8')).toBe(pinnedNode)
  expect(await runs()).toEqual(['system ci'])
})

onLinux('what an npm left out that somebody ran is installed', async () => {
  // It leaves the native package out here, too.
  await ensureInstalled('v20.19.0')
  expect(await installed()).not.toContain('node_modules/native')
  await ensureInstalled('v20.0.0')
  expect(await installed()).toEqual(all)
})

test('where npm fails, one line says so, and the next start installs', async () => {
  await ensureInstalled('v24.0.0')
  await writeFile(join(root, 'package-lock.json'), JSON.stringify({ packages: { ...packages, 'node_modules/all': { version: '2.0.0' } } }))
  await writeFile(join(root, 'broken'), '')
  for (const version of ['v24.0.0', 'v22.0.0']) await expect(ensureInstalled(version)).rejects.toMatchObject({ code: 1, stderr: expect.stringMatching(/^\nLoom: installing packages failed: npm ci ended with exit code 7\. [^\n]*\n$/) })
  await rm(join(root, 'broken'))
  await ensureInstalled('v24.0.0')
  await ensureInstalled('v22.0.0')
  expect(await installed()).toEqual(all)
})
