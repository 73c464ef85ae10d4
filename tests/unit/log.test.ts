import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const root = join(import.meta.dirname, '../..')

const lastWords = `import { createLog } from './server/operations/log'; createLog({ LOG_LEVEL: 'info' }).info('the last words'); process.exit(0)`
const node = ['--import', 'tsx', '--input-type=module', '--eval', lastWords]

test('what is logged right before the end of a process is written', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, node, { cwd: root })
  expect(JSON.parse(stdout)).toMatchObject({ level: 'info', msg: 'the last words' })
})

test.each(['"$@" | true', ...existsSync('/dev/full') ? ['"$@" > /dev/full'] : []])('a process ends where its log cannot be written: %s', async (command) => {
  await promisify(execFile)('sh', ['-c', command, 'sh', process.execPath, ...node], { cwd: root })
})
