import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { afterEach, beforeEach, expect, test } from 'vitest'

const run = promisify(execFile)

/** Empties `.output`, as Nuxt does, and says that it ran. */
const nuxt = `
import { appendFileSync, existsSync, mkdirSync, rmSync } from 'node:fs'
appendFileSync('builds', 'x')
rmSync('.output', { recursive: true, force: true })
if (existsSync('broken')) process.exit(3)
mkdirSync('.output')
`

/** A checkout with nothing in it but what builds it. */
let root: string

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'loom checkout '))
  await cp(join(import.meta.dirname, '../../../scripts'), join(root, 'scripts'), { recursive: true })
  for (const folder of ['app', 'node_modules/nuxt/bin']) await mkdir(join(root, folder), { recursive: true })
  await writeFile(join(root, 'node_modules/nuxt/bin/nuxt.mjs'), nuxt)
  await writeFile(join(root, 'app/app.vue'), 'one')
})
afterEach(() => rm(root, { recursive: true }))

/** As `npm start` does. */
const ensureBuilt = () => run(process.execPath, ['--input-type=module', '--eval', `import { ensureBuilt } from '${pathToFileURL(join(root, 'scripts/ensure-build.mjs')).href}'; await ensureBuilt()`])
const npmRunBuild = () => run(process.execPath, [join(root, 'scripts/ensure-build.mjs')])
const builds = async () => (await readFile(join(root, 'builds'), 'utf8')).length

test('a start builds once, and again when a source has changed', async () => {
  await ensureBuilt()
  await ensureBuilt()
  expect(await builds()).toBe(1)
  await writeFile(join(root, 'app/app.vue'), 'two')
  await ensureBuilt()
  await ensureBuilt()
  expect(await builds()).toBe(2)
})

test('a start after a build that failed builds again', async () => {
  await ensureBuilt()
  await writeFile(join(root, 'app/app.vue'), 'two')
  await writeFile(join(root, 'broken'), '')
  await expect(ensureBuilt()).rejects.toThrow('the build failed with exit code 3')
  await rm(join(root, 'broken'))
  await ensureBuilt()
  expect(await builds()).toBe(3)
})

test('npm run build builds whatever there is, and the next start does not', async () => {
  await ensureBuilt()
  await npmRunBuild()
  expect(await builds()).toBe(2)
  await ensureBuilt()
  expect(await builds()).toBe(2)
  await writeFile(join(root, 'broken'), '')
  await expect(npmRunBuild()).rejects.toMatchObject({ code: 1 })
})
