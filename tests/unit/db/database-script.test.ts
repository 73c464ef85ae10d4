import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openEmbedded } from '../../../db/open-embedded'
import { readTestMigrations } from '../../support/database'

const root = join(import.meta.dirname, '../../..')

describe('the database scripts', { timeout: 120_000 }, () => {
  let folder: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'loom-script-'))
  })
  afterAll(() => rm(folder, { recursive: true }))

  const run = async (command: string, environment: Record<string, string> = {}) => {
    const env = { ...process.env, DATABASE_URL: '', LOOM_DATA_DIR: folder, ...environment }
    return promisify(execFile)(process.execPath, ['--import', 'tsx', 'scripts/database.ts', command], { cwd: root, env }).then(
      ({ stdout }) => ({ code: 0, output: stdout.trim() }),
      (error: { code: number, stderr: string }) => ({ code: error.code, output: error.stderr.trim() })
    )
  }

  const query = async (text: string) => {
    const db = await openEmbedded({ dataDir: join(folder, 'db') })
    return db.query(text).finally(() => db.close())
  }

  test('migrate, seed and take back what they say', async () => {
    const tags = (await readTestMigrations()).map(({ tag }) => tag)
    const lines = (word: string) => tags.map(tag => `${word} ${tag}`).join('\n')
    expect(await run('seed')).toEqual({ code: 1, output: 'Loom: The database is not migrated yet. Run: npm run db:migrate' })
    expect(await run('status')).toEqual({ code: 0, output: lines('pending ') })
    expect(await run('migrate')).toEqual({ code: 0, output: lines('applied') })
    expect(await run('seed')).toEqual({ code: 0, output: 'Added the demo org Acme Research; its owners are the platform admins.' })
    // As a run leaves it that was cut short.
    const hours = 'select count(*)::int, sum(requests) as requests from usage_hourly'
    const whole = await query(hours)
    await query('delete from usage_hourly')
    expect(await run('seed')).toEqual({ code: 0, output: 'There already: the demo org Acme Research; its owners are the platform admins.' })
    expect(await query(hours)).toEqual(whole)
    expect(await run('revert')).toEqual({ code: 0, output: `reverted ${tags.at(-1)}` })
    expect((await run('status')).output).toContain(`pending  ${tags.at(-1)}`)
  })

  test('stop with one clear line while a server has the embedded database open', async () => {
    const db = await openEmbedded({ dataDir: join(folder, 'db') })
    try {
      const { code, output } = await run('migrate')
      expect(code).toBe(1)
      expect(output).toMatch(/^Loom: The embedded database in .* is in use by another Loom process\. Stop that one first.*$/)
    } finally {
      await db.close()
    }
  })

  test('stop with one clear line where the database is not there', async () => {
    expect(await run('status', { DATABASE_URL: 'postgres://loom@127.0.0.1:1/loom' })).toEqual({ code: 1, output: 'Loom: connect ECONNREFUSED 127.0.0.1:1' })
  })
})
