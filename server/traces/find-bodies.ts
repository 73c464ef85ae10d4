import { and, eq, or, sql } from 'drizzle-orm'
import type { Orm } from '../../db/client'
import { orgs, traces } from '../../db/schema'
import type { Keyring } from '../crypto/keyring'
import { LoomError } from '../errors'
import type { TraceScope } from './list-traces'
import { nearItsId } from './near-its-id'
import type { BodySide } from './seal-body'
import { openBody } from './seal-body'

/** What a call asked, where that was wanted, and what it was answered. */
interface TraceBodies { request?: Buffer | undefined, response: Buffer }

/**
 * Bodies of the org's traces, or of its project's, by the traces' ids; without those that are not kept, or were erased.
 * @param withRequests the requests as well as the answers
 * @param maxBytes of all of them together
 * @throws {LoomError} `body_too_large`
 */
export async function findBodies(orm: Orm, keyring: Keyring, scope: TraceScope, ids: readonly string[], { withRequests, maxBytes }: { withRequests: boolean, maxBytes: number }): Promise<Map<string, TraceBodies>> {
  const near = ids.flatMap(id => and(eq(traces.id, id), nearItsId(id) ?? sql`false`) ?? [])
  if (near.length === 0) return new Map()
  const sealedBytes = withRequests
    ? sql`sum(coalesce(octet_length(${traces.responseBody}), 0) + coalesce(octet_length(${traces.requestBody}), 0)) over ()`
    : sql`sum(coalesce(octet_length(${traces.responseBody}), 0)) over ()`
  // More than may be used is not even fetched.
  const unlessTooMuch = (body: typeof traces.requestBody | typeof traces.responseBody) => sql<Buffer | null>`case when ${sealedBytes} <= ${maxBytes} then ${body} end`.mapWith(body)
  const rows = await orm
    .select({
      id: traces.id,
      salt: orgs.encryptionSalt,
      keyVersion: orgs.encryptionKeyVersion,
      bodyKeyVersion: traces.encryptionKeyVersion,
      isTooMuch: sql<boolean>`${sealedBytes} > ${maxBytes}`,
      response: unlessTooMuch(traces.responseBody),
      responseIv: traces.responseIv,
      ...(withRequests && { request: unlessTooMuch(traces.requestBody), requestIv: traces.requestIv })
    })
    .from(traces)
    .innerJoin(orgs, eq(orgs.id, traces.orgId))
    .where(and(eq(traces.orgId, scope.orgId), scope.projectId ? eq(traces.projectId, scope.projectId) : undefined, or(...near)))
  if (rows.some(row => row.isTooMuch)) throw tooMuch()
  let bytes = 0
  const found = new Map<string, TraceBodies>()
  for (const row of rows) {
    // Sealed with a data key that was deleted since.
    if (row.bodyKeyVersion !== row.keyVersion) continue
    const open = (side: BodySide, data: Buffer | null | undefined, iv: Buffer | null | undefined) => {
      const body = data && iv ? openBody(keyring.forOrg(scope.orgId, row.salt), scope.orgId, row.id, side, { data, iv }) : undefined
      bytes += body?.length ?? 0
      if (bytes > maxBytes) throw tooMuch()
      return body
    }
    const response = open('response', row.response, row.responseIv)
    if (response) found.set(row.id, { response, request: open('request', row.request, row.requestIv) })
  }
  return found
}

function tooMuch(): LoomError {
  return new LoomError('body_too_large', 'With the earlier answers that it goes on from, the request is too large. Send less of the conversation, or ask an operator to raise the limit.')
}
