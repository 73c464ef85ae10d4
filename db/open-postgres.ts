import { drizzle } from 'drizzle-orm/postgres-js'
import postgres from 'postgres'
import type { TransactionSql } from 'postgres'
import { boundStatements } from './bound-statements'
import type { Database, Query } from './client'
import { countWork } from './count-work'
import { guardTransactions } from './guard-transactions'
import { HotConnections } from './hot-connections'
import { prepareStatements } from './prepare-statements'
import * as schema from './schema'
import { toParameters } from './to-parameters'
import type { DatabaseSilentError } from './within-deadline'

/** Told of a database that does not answer. */
export interface SilenceWatch {
  /** `query` got no answer within its deadline. */
  onSilence?: ((error: DatabaseSilentError) => void) | undefined
  /** A transaction of `orm`, given up before, has failed since: nobody waits for its error any more. */
  onAbandoned?: ((error: unknown) => void) | undefined
}

export interface PostgresOptions extends SilenceWatch {
  url: string
  poolSize: number
  /** How long one statement may run before the server ends it; 0 lets it run, as a migration must. */
  statementTimeoutMs: number
  /** How long a statement of `query` or `orm` waits for its answer; default: as long as the server lets it. Transactions of `query` take their time. */
  deadlineMs?: number | undefined
}

/** No deadline of ours: the longest time a timer can wait. */
const NO_DEADLINE_MS = 2 ** 31 - 1

/** How long a connection may take to open before the caller gets an error. */
const CONNECT_TIMEOUT_SECONDS = 10

/** The time running statements get at `close`. */
const CLOSE_TIMEOUT_SECONDS = 10

/** How long a statement of the road waits for a row that another has locked; those of the road lock one for some ms. */
const MAX_LOCK_WAIT_MS = 1_000

/**
 * Of the connections kept for `query`, the hot path: a slow page never stands in front of a hold, and the few statements of
 * the road meet backends that have them prepared and warm.
 *
 * Plans are made once a connection and kept. One made while the ledger was young, or never analysed, would read whole
 * tables for as long; every statement of the road has an index to go by, and its pages are in memory.
 *
 * What they write to files goes to the disk little by little. Linux alone would keep it for half a minute and then write it all at once,
 * and every commit of that moment would wait for hundreds of megabytes.
 *
 * One that waits for a lock fails well before its deadline, even behind others that do: a row that somebody keeps is no silent database, and only calls that need it are refused.
 */
const HOT_SETTINGS = { backend_flush_after: '256kB', plan_cache_mode: 'force_generic_plan', enable_seqscan: 'off', random_page_cost: '0.1', jit: 'off' }

/**
 * Compiling a page's query takes longer than running it; what it adds up by group should be hashed in memory rather than sorted on disk; and
 * what is best for one org, or one day, is not for the next.
 */
const PAGE_SETTINGS = { jit: 'off', work_mem: '32MB', plan_cache_mode: 'force_custom_plan' }

/** Pools on PostgreSQL. They connect at the first statement, and again by themselves after a loss. */
export function openPostgres({ url, poolSize, statementTimeoutMs, deadlineMs = NO_DEADLINE_MS, onSilence = () => {}, onAbandoned = () => {} }: PostgresOptions): Database {
  const connect = (max: number, settings = {}, options: Pick<postgres.Options<{ bigint: postgres.PostgresType<bigint> }>, 'onclose' | 'max_lifetime'> = {}) => postgres(url, {
    ...options,
    max,
    connect_timeout: CONNECT_TIMEOUT_SECONDS,
    // A quarter of a second, then up to five: a database that comes back is found soon.
    backoff: retries => Math.min(5, 0.25 * 2 ** retries),
    types: { bigint: postgres.BigInt },
    onnotice: () => {},
    connection: { application_name: 'loom', TimeZone: 'UTC', statement_timeout: statementTimeoutMs, ...settings }
  })
  const sql = connect(poolSize, PAGE_SETTINGS)
  prepareStatements(sql)
  guardTransactions(sql)
  const underWay = countWork(sql)
  const begin = sql.begin.bind(sql)
  if (deadlineMs !== NO_DEADLINE_MS) boundStatements(sql, deadlineMs, onAbandoned)
  // Drizzle makes times and JSON pass through a client as text; `query` relies on that, in a transaction and out of it.
  const orm = drizzle(sql, { schema })
  const hot = new HotConnections((onClose) => {
    // Kept for as long as the server lets it: now and then a statement would wait a quarter of a second for it to open anew.
    const client = connect(1, { ...HOT_SETTINGS, ...deadlineMs !== NO_DEADLINE_MS && { lock_timeout: Math.min(MAX_LOCK_WAIT_MS, Math.ceil(deadlineMs / 4)) } }, { onclose: onClose, max_lifetime: null })
    drizzle(client)
    return client
  }, deadlineMs, onSilence)

  return {
    kind: 'postgres',
    orm,
    query: hot.query,
    transaction: async (run) => {
      const { result } = await begin(async transaction => ({ result: await run(queryOn(transaction)) }))
      return result
    },
    listen: async (channel, receive, resumed = () => {}) => {
      let listening = false
      await sql.listen(channel, receive, () => listening ? resumed() : listening = true)
    },
    notify: async (channel, payload) => {
      await sql.notify(channel, payload)
    },
    load: () => ({ ledger: hot.load, pages: { running: Math.min(underWay(), poolSize), waiting: Math.max(0, underWay() - poolSize) } }),
    close: async () => {
      await Promise.all([sql.end({ timeout: CLOSE_TIMEOUT_SECONDS }), hot.close(CLOSE_TIMEOUT_SECONDS)])
    }
  }
}

function queryOn(sql: TransactionSql<{ bigint: bigint }>): Query {
  return async (text, parameters = []) => [...await sql.unsafe<Record<string, unknown>[]>(text, toParameters(parameters), { prepare: true })]
}
