import type { PgDatabase, PgQueryResultHKT } from 'drizzle-orm/pg-core'
import type * as schema from './schema'

/** Drizzle over either driver; also what a transaction callback receives. */
export type Orm = PgDatabase<PgQueryResultHKT, typeof schema>

/**
 * Runs one statement with positional parameters; rows are plain objects, to be parsed by the caller. For the hot
 * path, where building SQL costs too much. Both drivers speak alike:
 *
 * - Read: `int8` is a bigint (so are `count(*)` and `sum(int)`; `sum(int8)` is `numeric`: cast it), `numeric` a string, `int4` and
 *   floats numbers, `bytea` a Buffer, `json(b)` parsed, times and dates PostgreSQL's text in UTC with microseconds
 *   (`2026-01-31 12:00:00.123456+00`, which `new Date()` reads), an array of text, uuid or numbers without NULLs an array.
 * - Write: a Date becomes ISO text, a bigint decimal text, a plain object JSON text. An array is a PostgreSQL array:
 *   `= any($1::uuid[])`, so JSON arrays are passed as `JSON.stringify(…)`, for `$1::jsonb`. Undefined is refused.
 */
export type Query = (text: string, parameters?: readonly unknown[]) => Promise<Record<string, unknown>[]>

/** Statements (and transactions) of a pool that a connection works on, and those that wait for one. */
export interface PoolLoad { running: number, waiting: number }

/** The one database of the process: PostgreSQL, or the embedded one. Opened at start, closed at stop. */
export interface Database {
  kind: 'postgres' | 'embedded'
  orm: Orm
  /** On PostgreSQL the statement is prepared once per connection, so its text must not vary with its values. */
  query: Query
  /**
   * Runs `run` in one transaction and commits when it resolves; anything thrown rolls back. Inside, only the given
   * query may be awaited: the embedded database runs one transaction at a time and everything else waits for it.
   */
  transaction: <T>(run: (query: Query) => Promise<T>) => Promise<T>
  /** Calls back on each `NOTIFY channel`; survives a lost connection, and calls `resumed` then: what was sent meanwhile is lost. Resolves once it listens. */
  listen: (channel: string, receive: (payload: string) => void, resumed?: () => void) => Promise<void>
  notify: (channel: string, payload: string) => Promise<void>
  /** What is asked of each pool at this moment, by its name. */
  load: () => Record<string, PoolLoad>
  /** Lets running statements finish, then closes; later ones fail. */
  close: () => Promise<void>
}
