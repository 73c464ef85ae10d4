import { chmod, mkdir } from 'node:fs/promises'
import { types } from '@electric-sql/pglite'
import type { PGlite, QueryOptions, Results, Transaction } from '@electric-sql/pglite'
import { drizzle } from 'drizzle-orm/pglite'
import type { Database, Query } from './client'
import { EmbeddedConnection } from './embedded-connection'
import { lockDataFolder } from './lock-data-folder'
import * as schema from './schema'
import { Turnstile } from './turnstile'
import { toParameters } from './to-parameters'

export interface EmbeddedOptions {
  /** Where the database lives; without it, in memory. Made when missing, readable by its owner alone. */
  dataDir?: string
  /** A gzipped copy to start from (`dump`), for a database in memory. */
  dump?: Uint8Array<ArrayBuffer>
}

export interface EmbeddedDatabase extends Database {
  kind: 'embedded'
  /** A gzipped copy of the whole database, to open another from. */
  dump: () => Promise<Uint8Array<ArrayBuffer>>
}

type Run = <T>(text: string, parameters: readonly unknown[], rowMode: 'object' | 'array') => Promise<Results<T>>

/**
 * The embedded database, in a thread of its own. Statements and transactions run one after the other. Should the
 * thread crash, what ran fails with a clear error and the next statement opens the folder again. A power failure may lose
 * the last commits (it does not fsync); the end of the process, however it comes, does not.
 * @throws {DataFolderInUseError} another process has the folder open
 */
export async function openEmbedded({ dataDir, dump }: EmbeddedOptions = {}): Promise<EmbeddedDatabase> {
  const lock = dataDir ? await takeFolder(dataDir) : undefined
  const turnstile = new Turnstile()
  let closing: Promise<void> | undefined
  const receivers = new Map<string, Set<(payload: string) => void>>()
  const open = () => EmbeddedConnection.open({ dataDir, dump }, (channel, payload) => receivers.get(channel)?.forEach(receive => receive(payload)))
  let connection = await open().catch(async (error: unknown) => {
    await lock?.release()
    throw error
  })

  const run: Run = async (text, parameters, rowMode) => withBuffers(await connection.query(text, toParameters(parameters), rowMode))

  async function reopenIfLost(): Promise<void> {
    if (connection.alive || closing || !dataDir) return
    connection = await open()
    for (const channel of receivers.keys()) await run(listenTo(channel), [], 'object')
  }

  const runAlone: Run = (text, parameters, rowMode) => turnstile.pass(async () => {
    await reopenIfLost()
    return run(text, parameters, rowMode)
  })

  const transact = <T>(work: () => Promise<T>): Promise<T> => turnstile.pass(async () => {
    await reopenIfLost()
    await run('begin', [], 'object')
    const result = await work().catch(async (error: unknown) => {
      if (connection.alive) await run('rollback', [], 'object')
      throw error
    })
    // PostgreSQL answers the commit of a failed transaction with a silent rollback.
    const { command } = await run('commit', [], 'object')
    if (command === 'ROLLBACK') throw new Error('The transaction was rolled back: one of its statements failed and the error was caught inside it')
    return result
  })

  return {
    kind: 'embedded',
    orm: drizzle(drizzleClient(runAlone, run, transact), { schema }),
    query: queryWith(runAlone),
    transaction: work => transact(() => work(queryWith(run))),
    listen: async (channel, receive) => {
      const known = receivers.get(channel)
      if (known) return void known.add(receive)
      receivers.set(channel, new Set([receive]))
      await runAlone(listenTo(channel), [], 'object')
    },
    notify: async (channel, payload) => {
      await runAlone('select pg_notify($1, $2)', [channel, payload], 'object')
    },
    load: () => ({ embedded: turnstile.load }),
    dump: () => turnstile.pass(() => connection.dump()),
    close: () => closing ??= turnstile.pass(() => connection.close()).finally(() => lock?.release())
  }
}

async function takeFolder(dataDir: string): ReturnType<typeof lockDataFolder> {
  await mkdir(dataDir, { recursive: true })
  await chmod(dataDir, 0o700)
  return lockDataFolder(dataDir)
}

function queryWith(run: Run): Query {
  return async (text, parameters = []) => (await run<Record<string, unknown>>(text, parameters, 'object')).rows
}

/**
 * The part of PGlite that Drizzle calls, and no more. Drizzle's parsers stay behind: functions cannot cross to the
 * worker, whose own parsers give it the same text.
 */
function drizzleClient(runAlone: Run, runInside: Run, transact: <T>(work: () => Promise<T>) => Promise<T>): PGlite {
  const queryThrough = (run: Run): Pick<Transaction, 'query'> => ({
    query: (text: string, parameters: unknown[] = [], options?: QueryOptions) => run(text, parameters, options?.rowMode ?? 'object')
  })
  const client: Pick<PGlite, 'query' | 'transaction'> = {
    ...queryThrough(runAlone),
    transaction: work => transact(() => work(queryThrough(runInside) as Transaction))
  }
  return client as PGlite
}

/** Bytes cross threads as Uint8Array; the `postgres` driver gives Buffers, and so do we. */
function withBuffers<T>(results: Results<T>): Results<T> {
  for (const [index, field] of results.fields.entries()) {
    if (field.dataTypeID !== types.BYTEA) continue
    for (const row of results.rows) bufferCell(row, Array.isArray(row) ? index : field.name)
  }
  return results
}

function bufferCell(row: unknown, key: string | number): void {
  if (typeof row !== 'object' || row === null) return
  const value: unknown = Reflect.get(row, key)
  if (value instanceof Uint8Array) Reflect.set(row, key, Buffer.from(value.buffer, value.byteOffset, value.byteLength))
}

const listenTo = (channel: string) => `listen "${channel.replaceAll('"', '""')}"`
