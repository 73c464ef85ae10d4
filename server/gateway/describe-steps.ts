import { toUsdDecimal } from '../../shared/money'
import type { PolicyDecision } from '../../shared/policy'
import type { TraceDecision, TraceSteps } from '../../shared/traces'
import type { LoomError } from '../errors'
import { PolicyRefusal } from '../policy/policy-refusal'
import { makeRuleList } from '../traces/rule-lists'
import type { RuleList, StoredSteps } from '../traces/rule-lists'
import type { CallRecord } from './call-record'
import type { Caller } from './caller'

type Call = Pick<CallRecord, 'context' | 'createdAt' | 'isJudged' | 'admission' | 'admittedAt' | 'heldAt' | 'dispatchedAt' | 'firstByteAt' | 'upstreamEndedAt'>

/**
 * What a trace tells of a call's way: when it passed each step until now, and what its rules decided.
 * @param now when its capture begins, on the clock of `performance.now()`: its latency ends there, too
 * @returns with the list that its steps name, where all its rules let it pass
 */
export function describeSteps(call: Call, error: LoomError | null, now: number): { steps: StoredSteps, rules?: RuleList } {
  const { context: { caller, receivedAt, authenticatedAt, readAt }, createdAt, isJudged, admission, admittedAt, heldAt, dispatchedAt, firstByteAt, upstreamEndedAt } = call
  const times = [
    ['auth', authenticatedAt], ['read', readAt], ['policy', admittedAt], ['hold', heldAt], ['attempt', dispatchedAt], ['first_byte', firstByteAt], ['end', upstreamEndedAt], ['capture', now]
  ] as const
  const at: TraceSteps['at'] = {}
  for (const [step, time] of times) if (time !== undefined) at[step] = Math.round((time - receivedAt) * 100) / 100
  const refusal = error instanceof PolicyRefusal ? error : undefined
  if (refusal || !isJudged || !admission) return { steps: { at, decisions: decisionsOf(call, refusal) } }
  const rules = passedRules(caller, heldAt !== undefined, createdAt)
  return { steps: { at, rules: rules.id, remaining: admission.counters.map(({ remaining }) => remaining) }, rules }
}

/** Of a caller, by month (an even number each) and by whether its budgets were asked. */
const passed = new WeakMap<Caller, Map<number, RuleList>>()

/** The rules over a caller's calls that all of them let pass; made once. */
function passedRules(caller: Caller, isHeld: boolean, createdAt: Date): RuleList {
  const lists = passed.get(caller) ?? new Map<number, RuleList>()
  passed.set(caller, lists)
  const name = (createdAt.getUTCFullYear() * 12 + createdAt.getUTCMonth()) * 2 + Number(isHeld)
  const known = lists.get(name)
  if (known) return known
  const decisions = [...askedBefore(caller).map(rule => allow(rule)), ...isHeld ? heldWithin(caller) : []]
  if (isHeld && caller.walletMode === 'prepaid') decisions.push(allow({ rule: 'wallet', scope: 'org', limit: undefined }))
  const list = makeRuleList(caller.orgId, createdAt, decisions)
  lists.set(name, list)
  return list
}

/** What is asked before money is held. */
function askedBefore({ apiKeyId, policy: { rules, counters } }: Caller) {
  const scopes = { rule: 'scopes', scope: 'key', limit: undefined } as const
  return [...apiKeyId === null ? [] : [scopes], ...rules, ...counters]
}

function heldWithin({ policy: { budgets } }: Caller): TraceDecision[] {
  return budgets.map(({ period, scope, limit }) => allow({ rule: `budget_${period}`, scope, limit: toUsdDecimal(limit) }))
}

/** In the order they were made: rules are asked one after the other, so those before the one that refused let the call pass. */
function decisionsOf({ context: { caller }, isJudged, admission, heldAt }: Call, refusal: PolicyRefusal | undefined): TraceDecision[] {
  const denied = refusal ? [deny(refusal)] : []
  if (!isJudged) return denied
  const asked = askedBefore(caller)
  if (!admission) {
    const refused = asked.findIndex(({ rule, scope }) => rule === refusal?.rule && scope === refusal.scope)
    return [...asked.slice(0, Math.max(refused, 0)).map(rule => allow(rule)), ...denied]
  }
  const counted = asked.length - caller.policy.counters.length
  const admitted = asked.map((rule, index) => allow(rule, admission.counters[index - counted]?.remaining))
  if (refusal?.budgets) return [...admitted, ...refusal.budgets.map(decision => decision.rule === refusal.rule && decision.scope === refusal.scope ? deny(refusal) : figures(decision))]
  if (heldAt === undefined && refusal?.rule !== 'wallet') return [...admitted, ...denied]
  return [...admitted, ...heldWithin(caller), ...denied]
}

function allow({ rule, scope, limit }: Pick<TraceDecision, 'rule' | 'scope'> & { limit: unknown }, remaining?: number): TraceDecision {
  return { rule, scope, outcome: 'allow', ...(isFigure(limit) && { limit }), ...(remaining !== undefined && { remaining }) }
}

function figures({ rule, scope, outcome, limit, remaining, message }: PolicyDecision): TraceDecision {
  return { rule, scope, outcome, ...(isFigure(limit) && { limit }), ...(remaining !== undefined && { remaining }), ...(message !== undefined && { message }) }
}

function deny({ rule, scope, message, details }: PolicyRefusal): TraceDecision {
  const { limit, remaining } = details ?? {}
  return { rule, scope, outcome: 'deny', ...(isFigure(limit) && { limit }), ...(isFigure(remaining) && { remaining }), message }
}

/** Lists of models and addresses are not kept with every call: the audit log has them. */
function isFigure(value: unknown): value is number | string {
  return typeof value === 'number' || typeof value === 'string'
}
