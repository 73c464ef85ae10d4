import { v7 as uuidv7 } from 'uuid'
import type { Database } from '../../db/client'
import { captureCalls } from '../../server/billing/capture-calls'
import type { FinishedCall } from '../../server/billing/finished-call'
import { holdFunds } from '../../server/billing/hold-funds'
import { noUsage } from '../../server/gateway/usage'

/** A call that was answered, for tests of what comes after. */
export function finishedCall(orgId: string, holdId: string, costNanoUsd: bigint | null, rest: Partial<FinishedCall> = {}): FinishedCall {
  return {
    id: holdId, hold: { kind: 'own', id: holdId }, createdAt: new Date(), orgId, projectId: null, apiKeyId: null, userId: null, conversationId: null, messageId: null,
    endpoint: 'test', requestedModel: 'm', model: 'm', provider: 'demo', statusCode: 200, errorType: null, isStream: false, cache: 'none', attempts: [],
    latencyMs: 1, ttfbMs: null, gatewayOverheadMs: 0.5, usage: noUsage, encryptionKeyVersion: 1, request: null, response: null,
    charge: costNanoUsd === null ? null : { costNanoUsd, usageSource: 'provider', rawUsage: null, price: { source: 'test' } },
    ...rest
  }
}

/** Holds and captures one call; its id, which is its transaction's. */
export async function charge(db: Database, replica: string, orgId: string, costNanoUsd: bigint, rest: Partial<FinishedCall> = {}): Promise<string> {
  const id = uuidv7()
  await holdFunds(db, replica, [{ id, orgId, refId: id, apiKeyId: rest.apiKeyId ?? null, amount: costNanoUsd }])
  await captureCalls(db, replica, [finishedCall(orgId, id, costNanoUsd, rest)])
  return id
}
