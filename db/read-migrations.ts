import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'

/** Reads one file of the migrations folder by its path there; fails when it is missing. Text, or for JSON the value. */
export type ReadMigrationFile = (path: string) => Promise<unknown>

export interface Migration {
  /** Its name and place in the order: `0000_first_road`. */
  tag: string
  up: string[]
  /** The tested way back. */
  down: string[]
  /** SHA-256 of the way up, to notice an edit. */
  hash: string
}

const Journal = z.object({ entries: z.array(z.object({ idx: z.number(), tag: z.string() })) })

/** The migrations in order, from Drizzle's journal: from disk in scripts and tests, from the server's assets in the built app. */
export async function readMigrations(read: ReadMigrationFile): Promise<Migration[]> {
  const journal = await read('meta/_journal.json')
  const { entries } = Journal.parse(typeof journal === 'string' ? JSON.parse(journal) : journal)
  return Promise.all(entries.sort((a, b) => a.idx - b.idx).map(async ({ tag }) => {
    const [up, down] = await Promise.all([readSql(read, `${tag}.sql`), readSql(read, `${tag}.down.sql`)])
    return { tag, up: statementsOf(up), down: statementsOf(down), hash: createHash('sha256').update(up).digest('hex') }
  }))
}

/** A reader of the folder on disk. */
export function migrationFilesIn(folder: string): ReadMigrationFile {
  return path => readFile(join(folder, path), 'utf8')
}

async function readSql(read: ReadMigrationFile, path: string): Promise<string> {
  const text = await read(path)
  if (typeof text !== 'string') throw new Error(`The migration file ${path} is missing`)
  return text.replaceAll('\r\n', '\n')
}

function statementsOf(text: string): string[] {
  return text.split('--> statement-breakpoint').map(statement => statement.trim()).filter(Boolean)
}
