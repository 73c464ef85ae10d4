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

test.runIf(existsSync('/dev/full'))('where the disk is full, whoever logs goes on, failures are counted, and what waits does not fill the memory', async () => {
  const script = node(`
    for (let line = 0; line < 400_000; line++) log.info('x'.repeat(200))
    const { values: [{ value: failures }] } = await metrics.failures.get()
    console.error(JSON.stringify({ failures }))
    process.exit(0)`)
  const { stderr } = await promisify(execFile)('sh', ['-c', '"$@" > /dev/full', 'sh', process.execPath, '--max-old-space-size=64', ...script], { cwd: root })
  expect(JSON.parse(stderr.split('\n')[0] ?? '').failures).toBeGreaterThan(300_000)
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
