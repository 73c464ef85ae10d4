import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ensureBuilt } from '../../../scripts/ensure-build.mjs'
import { root } from '../../../scripts/project.mjs'
import { withLock } from '../../../scripts/take-lock.mjs'
import { testDatabaseKind } from '../../support/database'
import { freePort } from '../../support/free-port'
import { until } from '../../support/until'

const server = join(root, '.output/server/index.mjs')

let dataDir: string
let port: number

beforeAll(async () => {
  await withLock('build', ensureBuilt)
  dataDir = await mkdtemp(join(tmpdir(), 'loom-data-'))
  port = await freePort()
})

afterAll(() => rm(dataDir, { recursive: true }))

/** `npm start` without npm, from another folder. `closed` once nothing writes to its output any more, none of the processes it started. */
function npmStart() {
  const env = { PATH: process.env.PATH, HOST: '127.0.0.1', PORT: String(port), LOOM_DATA_DIR: dataDir }
  const child = spawn(process.execPath, [join(root, 'scripts/start.mjs')], { cwd: dataDir, env, stdio: ['ignore', 'pipe', 'pipe'] })
  const output = { text: '' }
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => output.text += text)
  const ready = () => until(() => /^Loom is ready: (\S+)$/m.exec(output.text)?.[1] ?? (child.exitCode !== null && Promise.reject(new Error(output.text))), { timeoutMs: 60_000, what: () => `Loom to be ready. It printed:\n${output.text}` })
  return { child, output, ready, exited: once(child, 'exit'), closed: Promise.all([once(child.stdout, 'close'), once(child.stderr, 'close')]) }
}

// No statement differs by what they run on.
describe.runIf(testDatabaseKind === 'embedded')('npm start', () => {
  test.each(['SIGTERM', 'SIGINT'] as const)('serves what is built, without building it again, until %s ends it and all it started', async (signal) => {
    const built = (await stat(server)).mtimeMs
    const start = npmStart()
    try {
      const url = await start.ready()
      expect(url).toBe(`http://localhost:${port}`)
      const [, link = ''] = /^Set up Loom: (\S+)$/m.exec(start.output.text) ?? []
      expect(link).toMatch(new RegExp(`^${url}/\\S*[?&]token=[\\w-]+$`))
      for (const address of [`${url}/ready`, `${url}/`, link]) expect((await fetch(address)).status, address).toBe(200)
      expect(await (await fetch(`${url}/`)).text()).toContain('<!DOCTYPE html>')
      start.child.kill(signal)
      expect(await start.exited).toEqual([0, null])
      await start.closed
      await expect(fetch(`${url}/ready`)).rejects.toThrow()
    } finally {
      start.child.kill('SIGKILL')
    }
    expect(start.output.text).not.toMatch(/Installing|Building/)
    expect((await stat(server)).mtimeMs).toBe(built)
  })

  test('where it cannot serve, it ends with the line and the exit code of the server', async () => {
    const start = npmStart()
    const second = npmStart()
    try {
      const [code] = await Promise.race([start.exited, second.exited])
      expect(code).toBe(1)
      expect(start.output.text + second.output.text).toMatch(/^Loom cannot start: .*$/m)
    } finally {
      for (const { child } of [start, second]) child.kill('SIGTERM')
      await Promise.all([start.closed, second.closed])
    }
  })
})
