import { and, eq, sql } from 'drizzle-orm'
import type { SQL } from 'drizzle-orm'
import { z } from 'zod'
import type { Orm } from '../../db/client'
import { orgs, ruleLists, traces } from '../../db/schema'
import type { Keyring } from '../crypto/keyring'
import { LoomError } from '../errors'
import { Attempt } from '../../shared/traces'
import type { Trace } from '../../shared/traces'
import type { TraceScope } from './list-traces'
import { nearItsId } from './near-its-id'
import { openSteps } from './rule-lists'
import type { BodySide } from './seal-body'
import { openBody } from './seal-body'
import { summaryColumns, toSummary } from './trace-summary'

const Attempts = z.array(Attempt)

/**
 * One trace of the org; its bodies decrypted when `withBodies` says so (the caller has checked that they may be seen).
 * @throws {LoomError} `not_found`, the same for an unknown id and another org's
 */
export async function getTrace(orm: Orm, keyring: Keyring, scope: TraceScope, id: string, withBodies: boolean): Promise<Trace> {
  const near = nearItsId(id)
  const row = (near && await findTrace(orm, scope, id, withBodies, near)) ?? await findTrace(orm, scope, id, withBodies, undefined)
  if (!row) throw new LoomError('not_found', 'There is no trace with this id.')
  // Sealed with a data key that was deleted since.
  const bodiesErased = row.bodyKeyVersion !== null && row.bodyKeyVersion < row.keyVersion
  const open = (side: BodySide, data: Buffer | null | undefined, iv: Buffer | null | undefined) =>
    data && iv && !bodiesErased ? openBody(keyring.forOrg(scope.orgId, row.salt), scope.orgId, id, side, { data, iv }).toString('utf8') : null
  return {
    ...toSummary(row),
    attempts: Attempts.parse(row.attempts),
    steps: openSteps(row.steps, row.listed),
    bodiesErased,
    requestBody: open('request', row.requestBody, row.requestIv),
    responseBody: open('response', row.responseBody, row.responseIv)
  }
}

async function findTrace(orm: Orm, scope: TraceScope, id: string, withBodies: boolean, when: SQL | undefined) {
  const [row] = await orm
    .select({
      ...summaryColumns,
      attempts: traces.attempts,
      steps: traces.steps,
      listed: ruleLists.decisions,
      salt: orgs.encryptionSalt,
      keyVersion: orgs.encryptionKeyVersion,
      bodyKeyVersion: traces.encryptionKeyVersion,
      ...(withBodies && { requestBody: traces.requestBody, requestIv: traces.requestIv, responseBody: traces.responseBody, responseIv: traces.responseIv })
    })
    .from(traces)
    .innerJoin(orgs, eq(orgs.id, traces.orgId))
    .leftJoin(ruleLists, and(eq(ruleLists.orgId, traces.orgId), eq(ruleLists.id, sql`(${traces.steps}->>'rules')::uuid`)))
    .where(and(eq(traces.orgId, scope.orgId), eq(traces.id, id), scope.projectId ? eq(traces.projectId, scope.projectId) : undefined, when))
  return row
}
