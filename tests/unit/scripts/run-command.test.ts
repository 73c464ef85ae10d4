import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { randomUUID } from 'node:crypto'
import { afterEach, expect, test } from 'vitest'
import { until } from '../../support/until'

const scripts = new URL('../../../scripts/', import.meta.url)
const children: ChildProcess[] = []

afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
})

/** Runs a piece of a script in a process of its own, and gathers what it prints. */
function script(body: string) {
  const child = spawn(process.execPath, ['--input-type=module', '--eval', `
    import { runCommand } from '${scripts.href}run-command.mjs'
    import { withLock } from '${scripts.href}take-lock.mjs'
    ${body}`])
  children.push(child)
  const output = { text: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => output.text += text)
  // The output closes when the last process that writes to it has ended.
  return { child, output, exited: once(child, 'exit'), closed: once(child.stdout, 'close') }
}

const runs = (program: string) => `process.exitCode = await runCommand(process.execPath, ['--eval', ${JSON.stringify(program)}])`
const waits = 'console.log("pid " + process.pid); setInterval(() => {}, 1000);'
const pidIn = (output: { text: string }) => until(() => Number(/pid (\d+)/.exec(output.text)?.[1]), { what: () => 'the program to start' })

test('a script ends with the exit code of its program', async () => {
  const { exited } = script(runs('process.exit(7)'))
  expect(await exited).toEqual([7, null])
})

test('a signal reaches the program, and the script ends with what the program makes of it', async () => {
  const { child, output, exited } = script(runs(`process.on("SIGTERM", () => process.exit(3)); ${waits}`))
  await pidIn(output)
  child.kill('SIGTERM')
  expect(await exited).toEqual([3, null])
})

test('a script that is killed takes its program along', async () => {
  const { child, output, closed } = script(runs(waits))
  await pidIn(output)
  child.kill('SIGKILL')
  await closed
})

test('a script that npm runs by a shell ends its program when the shell is ended alone', async () => {
  const child = spawn('sh', ['-c', `"${process.execPath}" --input-type=module --eval "$SCRIPT"; exit 0`], {
    env: { ...process.env, npm_lifecycle_event: 'start', SCRIPT: `import { runCommand } from '${scripts.href}run-command.mjs'\n${runs(`process.on("SIGTERM", () => { console.log("drained"); process.exit(0) }); ${waits}`)}` }
  })
  children.push(child)
  const output = { text: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => output.text += text)
  await pidIn(output)
  child.kill('SIGTERM')
  await once(child.stdout, 'close')
  expect(output.text).toContain('drained')
})

test('a lock is held by one process at a time, and passes on when its owner is killed', async () => {
  const purpose = randomUUID()
  const hold = `await withLock('${purpose}', async () => { ${waits} await new Promise(() => {}) })`
  const first = script(hold)
  await pidIn(first.output)
  const second = script(hold)
  await until(() => second.output.text.includes('waiting'), { what: () => 'the second to wait' })
  expect(second.output.text).not.toContain('pid')
  first.child.kill('SIGKILL')
  await pidIn(second.output)
})
