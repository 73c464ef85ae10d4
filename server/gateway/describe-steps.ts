import { toUsdDecimal } from '../../shared/money'
import type { PolicyDecision } from '../../shared/policy'
import type { TraceDecision, TraceSteps } from '../../shared/traces'
import type { LoomError } from '../errors'
import { PolicyRefusal } from '../policy/policy-refusal'
import type { CallRecord } from './call-record'

type Call = Pick<CallRecord, 'context' | 'isJudged' | 'admission' | 'admittedAt' | 'heldAt' | 'dispatchedAt' | 'firstByteAt' | 'upstreamEndedAt'>

/** What a trace tells of a call's way: when it passed each step until now, and what its rules decided. */
export function describeSteps(call: Call, error: LoomError | null): TraceSteps {
  const { context: { receivedAt, authenticatedAt, readAt }, admittedAt, heldAt, dispatchedAt, firstByteAt, upstreamEndedAt } = call
  const passed = [
    ['auth', authenticatedAt], ['read', readAt], ['policy', admittedAt], ['hold', heldAt], ['attempt', dispatchedAt], ['first_byte', firstByteAt], ['end', upstreamEndedAt], ['capture', performance.now()]
  ] as const
  const at: TraceSteps['at'] = {}
  for (const [step, time] of passed) if (time !== undefined) at[step] = Math.round((time - receivedAt) * 100) / 100
  return { at, decisions: decisionsOf(call, error instanceof PolicyRefusal ? error : undefined) }
}

/** In the order they were made: rules are asked one after the other, so those before the one that refused let the call pass. */
function decisionsOf({ context: { caller }, isJudged, admission, heldAt }: Call, refusal: PolicyRefusal | undefined): TraceDecision[] {
  const denied = refusal ? [deny(refusal)] : []
  if (!isJudged) return denied
  const { rules, counters, budgets } = caller.policy
  const scopes = { rule: 'scopes', scope: 'key', limit: undefined } as const
  const asked = [...caller.apiKeyId === null ? [] : [scopes], ...rules, ...counters]
  if (!admission) {
    const refused = asked.findIndex(({ rule, scope }) => rule === refusal?.rule && scope === refusal.scope)
    return [...asked.slice(0, Math.max(refused, 0)).map(rule => allow(rule)), ...denied]
  }
  const counted = asked.length - counters.length
  const admitted = asked.map((rule, index) => allow(rule, admission.counters[index - counted]?.remaining))
  if (refusal?.budgets) return [...admitted, ...refusal.budgets.map(decision => decision.rule === refusal.rule && decision.scope === refusal.scope ? deny(refusal) : figures(decision))]
  if (heldAt === undefined && refusal?.rule !== 'wallet') return [...admitted, ...denied]
  const held = budgets.map(({ period, scope, limit }) => allow({ rule: `budget_${period}`, scope, limit: toUsdDecimal(limit) }))
  return [...admitted, ...held, ...denied.length === 0 && caller.walletMode === 'prepaid' ? [allow({ rule: 'wallet', scope: 'org', limit: undefined })] : denied]
}

function allow({ rule, scope, limit }: Pick<TraceDecision, 'rule' | 'scope'> & { limit: unknown }, remaining?: number): TraceDecision {
  return { rule, scope, outcome: 'allow', ...(isFigure(limit) && { limit }), ...(remaining !== undefined && { remaining }) }
}

function figures({ rule, scope, outcome, limit, remaining, message }: PolicyDecision): TraceDecision {
  return { rule, scope, outcome, ...(isFigure(limit) && { limit }), ...(remaining !== undefined && { remaining }), ...(message !== undefined && { message }) }
}

function deny({ rule, scope, message, details }: PolicyRefusal): TraceDecision {
  const limit = details?.limit ?? details?.limit_usd
  const remaining = details?.remaining ?? details?.remaining_usd ?? details?.available_usd
  return { rule, scope, outcome: 'deny', ...(isFigure(limit) && { limit }), ...(isFigure(remaining) && { remaining }), message }
}

/** Lists of models and addresses are not kept with every call: the audit log has them. */
function isFigure(value: unknown): value is number | string {
  return typeof value === 'number' || typeof value === 'string'
}
