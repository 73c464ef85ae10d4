import { and, desc, eq, gte, inArray, lte, sql } from 'drizzle-orm'
import type { Orm } from '../../db/client'
import { orgs, traces } from '../../db/schema'
import type { TraceSearchPage, TraceSearchQuery } from '../../shared/traces'
import type { Keyring } from '../crypto/keyring'
import { isAfter, keysetTime, whereTraces } from './list-traces'
import type { TraceScope } from './list-traces'
import { openBody } from './seal-body'
import { decodeTraceCursor, encodeTraceCursor } from './trace-cursor'
import { summaryColumns, toSummary } from './trace-summary'

/** How many traces one look opens, and of how many bytes: what a person waits for, and no more than that of one process's time. */
const LOOK = 200
const LOOK_BYTES = 64 * 1024 * 1024
/** What is asked of the database at once, as it is stored; more only where a single trace has more. */
const FETCH_BYTES = 8 * 1024 * 1024

const storedBytes = sql<number>`coalesce(octet_length(${traces.requestBody}), 0) + coalesce(octet_length(${traces.responseBody}), 0)`

/**
 * Looks through the next traces of a filter for `text` in their decrypted bodies, whatever its case. A page may hold none though older ones do: its cursor
 * goes on. Who calls has checked that bodies may be seen.
 * @throws {LoomError} `invalid_request` for a cursor that this org's list has not given
 */
export async function searchBodies(orm: Orm, keyring: Keyring, scope: TraceScope, { text, cursor, ...filter }: TraceSearchQuery): Promise<TraceSearchPage> {
  const after = cursor === undefined ? undefined : decodeTraceCursor(scope.orgId, cursor)
  const [org] = await orm.select({ salt: orgs.encryptionSalt, keyVersion: orgs.encryptionKeyVersion }).from(orgs).where(eq(orgs.id, scope.orgId))
  if (!org) return { items: [], nextCursor: null, searched: 0, searchedTo: null }
  const rows = await orm
    .select({ ...summaryColumns, keysetTime, bodyKeyVersion: traces.encryptionKeyVersion, storedBytes })
    .from(traces)
    .where(and(whereTraces(scope, filter), isAfter(after)))
    .orderBy(desc(traces.createdAt), desc(traces.id))
    .limit(LOOK + 1)
  const key = keyring.forOrg(scope.orgId, org.salt)
  const wanted = text.toLowerCase()
  // In JSON a quote or a line break is written otherwise.
  const escaped = JSON.stringify(wanted).slice(1, -1)
  let openedBytes = 0
  const holds = async (id: string, { side, data, iv }: StoredBody) => {
    // Calls under way go on between any two bodies.
    await new Promise(resolve => setImmediate(resolve))
    const bytes = openBody(key, scope.orgId, id, side, { data, iv })
    openedBytes += bytes.length
    const body = bytes.toString('utf8').toLowerCase()
    return body.includes(wanted) || body.includes(escaped)
  }
  const found: typeof rows = []
  let looked = 0
  for (const batch of batchesOf(rows.slice(0, LOOK))) {
    if (openedBytes >= LOOK_BYTES) break
    const bodies = await fetchBodies(orm, scope, batch.filter(({ bodyKeyVersion }) => bodyKeyVersion !== null && bodyKeyVersion >= org.keyVersion))
    for (const row of batch) {
      if (openedBytes >= LOOK_BYTES) break
      for (const body of bodies.get(row.id) ?? []) {
        if (!await holds(row.id, body)) continue
        found.push(row)
        break
      }
      looked++
    }
  }
  const last = rows[looked - 1]
  return {
    items: found.map(toSummary),
    nextCursor: rows.length > looked && last ? encodeTraceCursor(scope.orgId, { createdAt: last.keysetTime, id: last.id }) : null,
    searched: looked,
    searchedTo: last?.createdAt.toISOString() ?? null
  }
}

interface Row { id: string, createdAt: Date, storedBytes: number }

interface StoredBody { side: 'request' | 'response', data: Buffer, iv: Buffer }

/** The rows in order, in runs of no more than is asked of the database at once. */
function batchesOf<R extends Row>(rows: readonly R[]): R[][] {
  const batches: R[][] = []
  let bytes = Infinity
  for (const row of rows) {
    bytes += row.storedBytes
    if (bytes > FETCH_BYTES) {
      batches.push([])
      bytes = row.storedBytes
    }
    batches.at(-1)?.push(row)
  }
  return batches
}

/** The bodies of rows that follow one another in time, by their traces' ids. */
async function fetchBodies(orm: Orm, scope: TraceScope, rows: readonly Row[]): Promise<Map<string, StoredBody[]>> {
  const [newest, oldest] = [rows[0], rows.at(-1)]
  if (!newest || !oldest) return new Map()
  const stored = await orm
    .select({ id: traces.id, request: traces.requestBody, requestIv: traces.requestIv, response: traces.responseBody, responseIv: traces.responseIv })
    .from(traces)
    // The times, so that no other month is looked into; a Date has lost the microseconds.
    .where(and(eq(traces.orgId, scope.orgId), inArray(traces.id, rows.map(({ id }) => id)), gte(traces.createdAt, oldest.createdAt), lte(traces.createdAt, new Date(newest.createdAt.getTime() + 1))))
  const side = (name: StoredBody['side'], data: Buffer | null, iv: Buffer | null): StoredBody[] => data && iv ? [{ side: name, data, iv }] : []
  return new Map(stored.map(({ id, request, requestIv, response, responseIv }) => [id, [...side('request', request, requestIv), ...side('response', response, responseIv)]]))
}
