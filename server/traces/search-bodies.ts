import { and, desc, eq } from 'drizzle-orm'
import type { Orm } from '../../db/client'
import { orgs, traces } from '../../db/schema'
import type { TraceSearchPage, TraceSearchQuery } from '../../shared/traces'
import type { Keyring } from '../crypto/keyring'
import { isAfter, keysetTime, whereTraces } from './list-traces'
import type { TraceScope } from './list-traces'
import { openBody } from './seal-body'
import { decodeTraceCursor, encodeTraceCursor } from './trace-cursor'
import { summaryColumns, toSummary } from './trace-summary'

/** How many traces one look opens: what a person waits for, and no more than that of one process's time. */
const LOOK = 200
/** Opened between two turns of the event loop, so that calls under way go on. */
const TURN = 10

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
    .select({ ...summaryColumns, keysetTime, bodyKeyVersion: traces.encryptionKeyVersion, requestBody: traces.requestBody, requestIv: traces.requestIv, responseBody: traces.responseBody, responseIv: traces.responseIv })
    .from(traces)
    .where(and(whereTraces(scope, filter), isAfter(after)))
    .orderBy(desc(traces.createdAt), desc(traces.id))
    .limit(LOOK + 1)
  const looked = rows.slice(0, LOOK)
  const key = keyring.forOrg(scope.orgId, org.salt)
  const wanted = text.toLowerCase()
  // In JSON a quote or a line break is written otherwise.
  const escaped = JSON.stringify(wanted).slice(1, -1)
  const holds = (id: string, side: 'request' | 'response', data: Buffer | null, iv: Buffer | null) => {
    if (!data || !iv) return false
    const body = openBody(key, scope.orgId, id, side, { data, iv }).toString('utf8').toLowerCase()
    return body.includes(wanted) || body.includes(escaped)
  }
  const found: typeof looked = []
  for (const [index, row] of looked.entries()) {
    if (index % TURN === 0) await new Promise(resolve => setImmediate(resolve))
    if (row.bodyKeyVersion === null || row.bodyKeyVersion < org.keyVersion) continue
    if (holds(row.id, 'request', row.requestBody, row.requestIv) || holds(row.id, 'response', row.responseBody, row.responseIv)) found.push(row)
  }
  const last = looked.at(-1)
  return {
    items: found.map(toSummary),
    nextCursor: rows.length > LOOK && last ? encodeTraceCursor(scope.orgId, { createdAt: last.keysetTime, id: last.id }) : null,
    searched: looked.length,
    searchedTo: last?.createdAt.toISOString() ?? null
  }
}
