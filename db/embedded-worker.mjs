// @ts-check
// The embedded database's own thread. Plain JavaScript, because it runs as it stands in development, in tests and
// beside the built server; embedded-connection.ts is its only caller.
import { parentPort, workerData } from 'node:worker_threads'
import { messages, PGlite, types } from '@electric-sql/pglite'

/** @typedef {import('./embedded-connection').WorkerRequest} WorkerRequest */
/** @typedef {import('./embedded-connection').WorkerReply} WorkerReply */

class BrokenDatabaseError extends Error {}

const { dataDir, dump } = /** @type {import('./embedded-connection').WorkerOptions} */ (workerData)
const asText = (/** @type {string} */ text) => text

const database = await PGlite.create({
  ...(dataDir ? { dataDir } : {}),
  ...(dump ? { loadDataDir: new Blob([dump]) } : {}),
  parsers: {
    [types.INT8]: BigInt,
    [types.DATE]: asText,
    [types.TIME]: asText,
    [types.TIMESTAMP]: asText,
    [types.TIMESTAMPTZ]: asText,
    [types.INTERVAL]: asText
  },
  startParams: [...PGlite.defaultStartParams, '-c', 'shared_buffers=16MB', '-c', 'max_wal_size=128MB', '-c', 'TimeZone=UTC']
})
database.onNotification((channel, payload) => reply({ kind: 'notification', channel, payload }))
parentPort?.on('message', answer)
reply({ kind: 'ready' })

/** @param {WorkerRequest} request */
async function answer(request) {
  try {
    reply({ kind: 'result', id: request.id, value: await run(request) })
  } catch (error) {
    // Ends this thread; a new one recovers from the write-ahead log.
    if (isFatal(error)) throw error
    reply({ kind: 'failure', id: request.id, error: describe(error) })
  }
}

/** @param {WorkerRequest} request */
async function run(request) {
  if (request.kind === 'query') {
    const results = await database.query(request.text, request.parameters, { rowMode: request.rowMode })
    // A broken PostgreSQL inside WebAssembly answers everything with nothing, which looks like an empty result.
    if (results.command === undefined) await proveAlive()
    return results
  }
  if (request.kind === 'dump') return new Uint8Array(await (await database.dumpDataDir('gzip')).arrayBuffer())
  await database.close()
}

async function proveAlive() {
  const { rows } = await database.query('select 1')
  if (rows.length !== 1) throw new BrokenDatabaseError('it no longer answers')
}

/**
 * After a trap, an exhausted stack or a panic nothing in its memory can be trusted.
 * @param {unknown} error
 */
function isFatal(error) {
  return error instanceof BrokenDatabaseError || error instanceof WebAssembly.RuntimeError || error instanceof RangeError
    || (error instanceof messages.DatabaseError && (error.severity === 'PANIC' || error.severity === 'FATAL'))
}

/** @param {WorkerReply} message */
function reply(message) {
  parentPort?.postMessage(message)
}

/**
 * An error's fields, by the names the `postgres` driver gives them, so that callers need not know which one they use.
 * @param {unknown} error
 */
function describe(error) {
  if (!(error instanceof messages.DatabaseError)) return { message: error instanceof Error ? error.message : String(error) }
  const { message, severity, code, detail, hint, where, schema, table, column, constraint } = error
  return { message, severity, code, detail, hint, where, schema_name: schema, table_name: table, column_name: column, constraint_name: constraint }
}
