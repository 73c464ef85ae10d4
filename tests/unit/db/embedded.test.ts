import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { isDatabaseGone } from '../../../db/is-database-gone'
import { openEmbedded } from '../../../db/open-embedded'
import type { EmbeddedDatabase } from '../../../db/open-embedded'
import { until } from '../../support/until'

/** Opening makes a whole PostgreSQL cluster, which takes seconds on a busy machine. */
const timeout = 60_000

describe('the embedded database', { timeout }, () => {
  let folder: string
  let dataDir: string
  const opened: EmbeddedDatabase[] = []
  const open = async () => {
    const db = await openEmbedded({ dataDir })
    opened.push(db)
    return db
  }
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'loom-embedded-'))
    dataDir = join(folder, 'data', 'db')
  })
  afterEach(async () => {
    await Promise.all(opened.splice(0).map(db => db.close()))
    await rm(folder, { recursive: true })
  }, timeout)

  test('keeps what it was told, in a folder only its owner may enter', async () => {
    const first = await open()
    await first.query('create table kept as select 1 as number')
    await first.close()
    expect((await stat(dataDir)).mode & 0o777).toBe(0o700)
    const second = await open()
    expect(await second.query('select * from kept')).toEqual([{ number: 1 }])
    await expect(first.query('select 1')).rejects.toThrow('The embedded database is closed')
  })

  test('refuses a folder that is open already, by whatever path, and takes it once it is free', async () => {
    const first = await open()
    await expect(openEmbedded({ dataDir: join(dataDir, '..', 'db') })).rejects.toThrow('is in use by another Loom process. Stop that one first')
    await first.close()
    await open()
  })

  test('refuses the folder of another process, and after its kill -9 reopens with every committed row', async () => {
    const script = join(import.meta.dirname, '../../support/write-until-killed.ts')
    const child = spawn(process.execPath, ['--import', 'tsx', script, dataDir], { stdio: ['ignore', 'pipe', 'inherit'] })
    const lines: string[] = []
    createInterface(child.stdout).on('line', line => lines.push(line))
    await until(() => lines.length > 0, { timeoutMs: timeout })
    await expect(open()).rejects.toThrow('is in use by another Loom process')
    await until(() => lines.length > 200, { timeoutMs: timeout })
    child.kill('SIGKILL')
    await once(child, 'close')

    const db = await open()
    const [counted] = await db.query('select count(*)::int as rows, max(number) as last from counted')
    expect(counted?.last).toBeGreaterThanOrEqual(Number(lines.at(-1)))
    expect(counted?.rows).toBe(Number(counted?.last) + 1)
  })

  test('after a crash of its thread fails what ran, clearly, and then works again with all its data and listeners', async () => {
    const db = await open()
    await db.query('create table kept as select 1 as number')
    // Endless recursion exhausts the stack of PostgreSQL in WebAssembly, where nothing checks its depth.
    await db.query('create function recurse(n int) returns int language plpgsql as $$ begin return recurse(n + 1); end $$')
    const heard: string[] = []
    await db.listen('news', payload => heard.push(payload))
    const failure: unknown = await db.query('select recurse(1)').catch((error: unknown) => error)
    expect(String(failure)).toContain('The embedded database stopped unexpectedly')
    expect(isDatabaseGone(failure)).toBe(true)
    expect(await db.query('select * from kept')).toEqual([{ number: 1 }])
    await expect(db.transaction(async (query) => {
      await query('insert into kept values (2)')
      await query('select recurse(1)')
    })).rejects.toThrow('The embedded database stopped unexpectedly')
    expect(await db.query('select * from kept')).toEqual([{ number: 1 }])
    await db.notify('news', 'still here')
    await until(() => heard.length > 0)
    expect(heard).toEqual(['still here'])
  })

  test('takes a statement that is only a comment', async () => {
    const db = await open()
    expect(await db.query('-- nothing')).toEqual([])
  })

  test('opens from a copy of another', async () => {
    const first = await open()
    await first.query('create table kept as select 1 as number')
    const copy = await openEmbedded({ dump: await first.dump() })
    opened.push(copy)
    await first.query('insert into kept values (2)')
    expect(await copy.query('select * from kept')).toEqual([{ number: 1 }])
  })
})
