import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const root = join(import.meta.dirname, '../..')

test('what is logged right before the end of a process is written', async () => {
  const body = `import { createLog } from './server/operations/log'; createLog({ LOG_LEVEL: 'info' }).info('the last words'); process.exit(0)`
  const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', '--input-type=module', '--eval', body], { cwd: root })
  expect(JSON.parse(stdout)).toMatchObject({ level: 'info', msg: 'the last words' })
})
