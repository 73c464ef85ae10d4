import type { CallScope, PolicyDecision, PolicyRule, PolicyScope } from '../../shared/policy'
import { callScopes } from '../../shared/policy'
import type { KeyScope } from '../../shared/keys'
import type { LoomError } from '../errors'
import type { JudgedCall } from '../policy/static-rules'
import { modelRefusal } from '../policy/static-rules'
import type { NamedTarget } from '../policy/deny-targets'
import { findDenying } from '../policy/deny-targets'
import type { CounterRule } from '../policy/compile-policy'
import type { Claim, CounterState, LimitStore } from '../policy/limit-store'
import { clamp, findLastToFit } from '../policy/limit-store'
import { limitRefusal } from '../policy/limit-refusal'
import { PolicyRefusal } from '../policy/policy-refusal'
import type { Caller } from './caller'

/** What the caller is told about its limits, for the `x-ratelimit-*` headers. */
export interface RateLimitState { limit: number, remaining: number, resetMs: number }
export interface Admission {
  /** The one of its limits with the least left. */
  requests?: RateLimitState | undefined
  tokens?: RateLimitState | undefined
  /** Of every counter over the caller, in their order. */
  counters: readonly CounterState[]
  /** Gives the concurrency slot back and settles the token reservation at `usedTokens`; null: the call was refused after all, and counts as none. Call it once. */
  release: (usedTokens: number | null) => void
}

/** What the policy step needs to know of a call. */
export interface PolicyRequest extends Omit<JudgedCall, 'inputTokens'> {
  /** Tells running calls apart. */
  callId: string
  /** The most tokens the call may use. */
  bound: { inputTokens: number, outputTokens: number }
  /** What it takes of the tokens of a minute until it has ended. */
  reservedTokens: number
  /** The prompt's real tokens; asked for only where the bound exceeds a limit. */
  countInput: () => Promise<number>
}

const NO_ADMISSION: Admission = { counters: [], release: () => {} }

/**
 * Step 2 of the road: may this caller make this call now? Scope, the rules about the call itself, then running calls, requests and
 * tokens of the minute at every level, so that a refused call takes nothing.
 */
export class PolicyGate {
  constructor(private readonly limits: LimitStore) {}

  /** @throws {LoomError} naming the rule that refused (of counters the one that does so longest), its level, and when it may pass again */
  async admit(caller: Caller, request: PolicyRequest): Promise<Admission> {
    requireScope(caller, request.scope)
    const { rules, counters } = caller.policy
    if (rules.length > 0) {
      const call = await judged(caller, request)
      for (const { refuse } of rules) {
        const refusal = refuse(call)
        if (refusal) throw refusal
      }
    }
    if (counters.length === 0) return NO_ADMISSION
    const claims = counters.map(rule => claim(rule, request))
    const taken = await this.limits.take(request.callId, claims)
    if ('settle' in taken) return { requests: tightest('requests_per_minute', counters, taken.states), tokens: tightest('tokens_per_minute', counters, taken.states), counters: taken.states, release: taken.settle }
    throw refusalAt(taken.refused, counters, taken.states)
  }

  /**
   * For what costs something before a call can be judged: nothing is counted.
   * @throws {LoomError} as `admit`, of the rules that ask nothing of its body, and of limits that have nothing left for any call
   */
  async requireRoom(caller: Caller, { scope, ip }: Pick<PolicyRequest, 'scope' | 'ip'>): Promise<void> {
    requireScope(caller, scope)
    const { bodilessRules, counters } = caller.policy
    for (const { refuse } of bodilessRules) {
      const refusal = refuse({ scope, ip })
      if (refusal) throw refusal
    }
    if (counters.length === 0) return
    const states = await this.limits.peek(counters)
    const refused = findLastToFit(counters.map(rule => ({ rule, amount: 1 })), states)
    if (refused !== undefined) throw refusalAt(refused, counters, states)
  }

  /**
   * Bounds trying out as the caller's requests a minute and calls at once bound calling, each counted for itself: a dry run takes nothing that a call would find.
   * @returns ends it; call it once
   * @throws {LoomError} as `admit`, of those limits
   */
  async admitDryRun({ policy }: Caller, callId: string): Promise<() => void> {
    const counters = policy.counters.flatMap(rule => rule.rule === 'tokens_per_minute' ? [] : [{ ...rule, key: `${rule.key}:dry_runs` }])
    if (counters.length === 0) return () => {}
    const taken = await this.limits.take(callId, counters.map(rule => ({ rule, amount: 1 })))
    if ('settle' in taken) return () => taken.settle(0)
    throw refusalAt(taken.refused, counters, taken.states)
  }

  /** The verdict of every rule in the order they are applied; nothing is counted. */
  async explain(caller: Caller, request: PolicyRequest): Promise<PolicyDecision[]> {
    const { rules, counters } = caller.policy
    const call = await judged(caller, request)
    const states = counters.length === 0 ? [] : await this.limits.peek(counters)
    const own = findScopeFault(caller, request.scope)
    return [
      decide({ rule: 'scopes', scope: 'key', limit: [...caller.scopes] }, own),
      ...rules.map(rule => decide(rule, rule.refuse(call))),
      ...counters.map((rule, index) => {
        const { remaining, resetMs } = states[index] ?? { remaining: 0, resetMs: 0 }
        const decision = decide(rule, clamp(claim(rule, request)) > remaining ? limitRefusal(rule, { remaining, resetMs }) : undefined)
        return { ...decision, remaining, ...(resetMs > 0 && { resets_at: new Date(Date.now() + resetMs).toISOString() }) }
      })
    ]
  }
}

function refusalAt(index: number, counters: readonly CounterRule[], states: readonly CounterState[]): PolicyRefusal {
  const [rule, state] = [counters[index], states[index]]
  if (!rule || !state) throw new Error('A limit refused that was not asked')
  return limitRefusal(rule, state)
}

/** A rule's verdict as a dry run tells it. */
function decide({ rule, scope, limit }: { rule: PolicyRule, scope: PolicyScope, limit: unknown }, refusal: LoomError | undefined): PolicyDecision {
  return { rule, scope, outcome: refusal ? 'deny' : 'allow', limit, ...(refusal && { message: refusal.message }) }
}

/** The call as rules see it: the prompt is counted only where its bound would be refused. */
async function judged({ policy }: Caller, { bound, countInput, ...call }: PolicyRequest): Promise<JudgedCall> {
  return { ...call, inputTokens: bound.inputTokens <= policy.maxInputTokens ? bound.inputTokens : await countInput() }
}

function claim(rule: CounterRule, { reservedTokens }: Pick<PolicyRequest, 'reservedTokens'>): Claim {
  return { rule, amount: rule.rule === 'tokens_per_minute' ? reservedTokens : 1 }
}

function tightest(kind: CounterRule['rule'], rules: readonly CounterRule[], states: readonly CounterState[]): RateLimitState | undefined {
  let found: RateLimitState | undefined
  for (const [index, { rule, limit }] of rules.entries()) {
    const state = states[index]
    if (rule === kind && state && (!found || state.remaining < found.remaining)) found = { limit, ...state }
  }
  return found
}

/** @throws {LoomError} `insufficient_scope`; the scope `inference` covers every kind of model call */
export function requireScope(caller: Pick<Caller, 'scopes'>, scope: KeyScope): void {
  const fault = findScopeFault(caller, scope)
  if (fault) throw fault
}

/**
 * What speaks now against giving the caller what it was answered before: any rule about the call itself, but for the length of its prompt,
 * which was judged when it was answered; undefined when it may have it.
 * @param answeredBy who wrote the answer: a denied one stays denied under another name that led to it
 */
export function findReplayRefusal({ policy }: Pick<Caller, 'policy'>, call: Omit<JudgedCall, 'inputTokens'>, answeredBy: NamedTarget): LoomError | undefined {
  for (const { refuse } of policy.rules) {
    const refusal = refuse({ ...call, inputTokens: 0 })
    if (refusal) return refusal
  }
  const denying = findDenying(policy, answeredBy)
  return denying && modelRefusal(denying.scope, call.models[0] ?? answeredBy.upstreamModel)
}

function findScopeFault(caller: Pick<Caller, 'scopes'>, scope: KeyScope): LoomError | undefined {
  if (caller.scopes.has(scope) || (isCallScope(scope) && caller.scopes.has('inference'))) return undefined
  return new PolicyRefusal('insufficient_scope', `This key lacks the scope "${scope}". Give it that scope under Keys, or use another key.`, { rule: 'scopes', scope: 'key' }, { required: scope })
}

/** @throws {LoomError} `insufficient_scope` for a key that may make no model calls at all */
export function requireSomeInference(caller: Pick<Caller, 'scopes'>): void {
  if (!callScopes.some(scope => caller.scopes.has(scope))) requireScope(caller, 'inference')
}

function isCallScope(scope: KeyScope): scope is CallScope {
  return callScopes.some(name => name === scope)
}

/** @throws {LoomError} `forbidden` when the caller may not call from there */
export function requireAddress({ policy }: Pick<Caller, 'policy'>, ip: string | null): void {
  for (const { refuse } of policy.addressRules) {
    const refusal = refuse({ ip })
    if (refusal) throw refusal
  }
}
