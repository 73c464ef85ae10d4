import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const root = join(import.meta.dirname, '../..')

const open = `
  import { createLog } from './server/operations/log'
  import { createMetrics } from './server/operations/metrics'
  const metrics = createMetrics()
  const log = createLog({ LOG_LEVEL: 'info' }, metrics)`
const node = (script: string) => ['--import', 'tsx', '--input-type=module', '--eval', `${open}\n${script}`]
const lastWords = node(`log.info('the last words'); process.exit(0)`)

test('what is logged right before the end of a process is written', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, lastWords, { cwd: root })
  expect(JSON.parse(stdout)).toMatchObject({ level: 'info', msg: 'the last words' })
})

test('so is all that waits for a reader who is only slow', async () => {
  const script = node(`
    console.info('Loom is ready')
    for (let line = 0; line < 2_000; line++) log.info('x'.repeat(200))
    log.info('the last words')
    process.exit(0)`)
  const { stdout } = await promisify(execFile)('sh', ['-c', '"$@" | (sleep 1; tail -n 1)', 'sh', process.execPath, ...script], { cwd: root })
  expect(JSON.parse(stdout)).toMatchObject({ msg: 'the last words' })
})

test.each(['"$@" | true', ...existsSync('/dev/full') ? ['"$@" > /dev/full'] : []])('a process ends where its log cannot be written: %s', async (command) => {
  await promisify(execFile)('sh', ['-c', command, 'sh', process.execPath, ...lastWords], { cwd: root })
})

test.runIf(existsSync('/dev/full'))('where the disk is full, whoever logs goes on, lines are lost and counted only beyond what may wait, and that does not fill the memory', async () => {
  const script = node(`
    const counts = async () => Object.fromEntries((await metrics.failures.get()).values.map(({ labels, value }) => [labels.what, value]))
    for (let line = 0; line < 1_000; line++) log.info('x'.repeat(200))
    const waiting = await counts()
    for (let line = 0; line < 400_000; line++) log.info('x'.repeat(200))
    console.error(JSON.stringify({ waiting, beyond: await counts() }))
    process.exit(0)`)
  const { stderr } = await promisify(execFile)('sh', ['-c', '"$@" > /dev/full', 'sh', process.execPath, '--max-old-space-size=64', ...script], { cwd: root })
  const { waiting, beyond } = JSON.parse(stderr.split('\n')[0] ?? '')
  expect(waiting.log).toBeUndefined()
  expect(waiting.log_write).toBeGreaterThan(0)
  // About 260 bytes each, of which 1 MiB waits.
  expect(beyond.log).toBeGreaterThan(390_000)
  expect(beyond.log).toBeLessThan(400_000)
})

test('where nobody reads a line of it, whoever logs goes on', async () => {
  // Node's own standard output takes a pipe's waiting away, as in the server, which tells there where it is.
  const script = node(`
    console.info('Loom is ready')
    for (let line = 0; line < 20_000; line++) log.info('x'.repeat(200))
    console.error('and on')
    setInterval(() => {}, 1_000)`)
  const child = spawn(process.execPath, script, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] })
  const ended = once(child, 'exit')
  const [said] = await Promise.race([once(child.stderr, 'data'), ended])
  child.kill('SIGKILL')
  await ended
  expect(String(said)).toBe('and on\n')
})
