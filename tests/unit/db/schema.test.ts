import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { generateDrizzleJson, generateMigration } from 'drizzle-kit/api'
import { expect, test } from 'vitest'
import * as schema from '../../../db/schema'

const folder = join(import.meta.dirname, '../../../drizzle/meta')

test('the migrations make the schema of db/schema/: a change of it comes with one', async () => {
  const newest = (await readdir(folder)).filter(name => name.endsWith('_snapshot.json')).sort().at(-1) ?? ''
  const snapshot: Parameters<typeof generateMigration>[0] = JSON.parse(await readFile(join(folder, newest), 'utf8'))
  expect(await generateMigration(snapshot, generateDrizzleJson(schema, snapshot.id))).toEqual([])
})
