import type { BlockList } from 'node:net'
import { isIP } from 'node:net'
import type { CallScope, Policy, PolicyRule, PolicyScope } from '../../shared/policy'
import type { LoomError } from '../errors'
import { toBlockList } from '../utils/client-ip'
import type { DenyMatcher, ModelMatcher } from './match-model'
import { levelAdvice, levelNames, PolicyRefusal } from './policy-refusal'

/** The rules of one level. `id` is whose calls are counted together: the key, project or org; the nil UUID for the platform. */
export interface PolicyLevel {
  scope: PolicyScope
  id: string
  policy: Policy
}

/** What rules are about, of one call. */
export interface JudgedCall {
  scope: CallScope
  /** Every name in the request that a model may be chosen by. */
  models: readonly string[]
  ip: string | null
  bodyBytes: number
  inputTokens: number
  /** The longest answer asked for; undefined when the call names none. */
  outputTokens: number | undefined
}

/** A rule that looks at the call alone. */
export interface StaticRule {
  rule: PolicyRule
  scope: PolicyScope
  limit: unknown
  /** What speaks against the call; undefined when it may pass. */
  refuse: (call: JudgedCall) => LoomError | undefined
}

/** Applies whatever is in the body. */
export interface BodilessRule extends StaticRule {
  refuse: (call: Pick<JudgedCall, 'scope' | 'ip'>) => LoomError | undefined
}

export function scopeRule({ scope, policy: { allowedScopes } }: PolicyLevel): BodilessRule | undefined {
  return allowedScopes && {
    rule: 'scopes', scope, limit: allowedScopes,
    refuse: call => allowedScopes.includes(call.scope)
      ? undefined
      : new PolicyRefusal('insufficient_scope', `Calls of the kind "${call.scope}" are not allowed in ${levelNames[scope]}, only: ${allowedScopes.join(', ')}.`, { rule: 'scopes', scope, limit: allowedScopes })
  }
}

export function expiryRule({ scope, policy: { expiresAt } }: PolicyLevel): BodilessRule | undefined {
  if (expiresAt === undefined) return undefined
  const expiresAtMs = Date.parse(expiresAt)
  return {
    rule: 'expires_at', scope, limit: expiresAt,
    refuse: () => expiresAtMs > Date.now()
      ? undefined
      : new PolicyRefusal('forbidden', `Calls ended for ${levelNames[scope]} at ${expiresAt}. Set another expiry ${levelAdvice[scope]}.`, { rule: 'expires_at', scope, limit: expiresAt })
  }
}

const MAX_LISTED_MODELS = 20

export function allowRule(scope: PolicyScope, matcher: ModelMatcher): StaticRule {
  return {
    rule: 'models', scope, limit: { allowed: matcher.source },
    refuse: ({ models }) => {
      const refused = models.find(model => !matcher.matches(model))
      return refused === undefined ? undefined : modelRefusal(scope, refused, ` Allowed are: ${matcher.source.slice(0, MAX_LISTED_MODELS).join(', ')}.`)
    }
  }
}

export function denyRule(scope: PolicyScope, matcher: DenyMatcher): StaticRule {
  return {
    rule: 'models', scope, limit: { denied: matcher.source },
    refuse: ({ models }) => {
      const refused = models.find(model => matcher.matches(model))
      return refused === undefined ? undefined : modelRefusal(scope, refused)
    }
  }
}

export function modelRefusal(scope: PolicyScope, model: string, advice = ''): PolicyRefusal {
  return new PolicyRefusal('model_not_allowed', `The model "${model}" may not be used with ${levelNames[scope]}.${advice}`, { rule: 'models', scope, param: 'model' })
}

/** Applies to calls that call no model, too. */
export interface AddressRule extends BodilessRule {
  refuse: (call: Pick<JudgedCall, 'ip'>) => LoomError | undefined
}

export function addressRule({ scope, policy: { allowedIps } }: PolicyLevel): AddressRule | undefined {
  if (!allowedIps) return undefined
  const list = toBlockList(allowedIps)
  // Most calls come from where the last one came from.
  let last: { ip: string | null, isAllowed: boolean } = { ip: null, isAllowed: false }
  const isAllowed = (ip: string | null) => {
    if (ip !== last.ip) last = { ip, isAllowed: isWithin(list, ip) }
    return last.isAllowed
  }
  return {
    rule: 'allowed_ips', scope, limit: allowedIps,
    refuse: ({ ip }) => isAllowed(ip) ? undefined : new PolicyRefusal('forbidden', `Calls with ${levelNames[scope]} may not come from your address.`, { rule: 'allowed_ips', scope })
  }
}

function isWithin(list: BlockList, ip: string | null): boolean {
  const family = isIP(ip ?? '')
  return ip !== null && family !== 0 && list.check(ip, family === 4 ? 'ipv4' : 'ipv6')
}

export function bodyRule({ scope, policy: { maxBodyBytes } }: PolicyLevel): StaticRule | undefined {
  return maxBodyBytes === undefined ? undefined : { rule: 'max_body_bytes', scope, limit: maxBodyBytes, refuse: ({ bodyBytes }) => bodyBytes <= maxBodyBytes ? undefined : bodyRefusal(scope, maxBodyBytes) }
}

export function bodyRefusal(scope: PolicyScope, limit: number): PolicyRefusal {
  return new PolicyRefusal('body_too_large', `Request bodies with ${levelNames[scope]} may have ${limit} bytes. Shorten the request, or raise the limit ${levelAdvice[scope]}.`, { rule: 'max_body_bytes', scope, limit })
}

export function inputRule({ scope, policy: { maxInputTokens: limit } }: PolicyLevel): StaticRule | undefined {
  return limit === undefined
    ? undefined
    : {
        rule: 'max_input_tokens', scope, limit,
        refuse: ({ inputTokens }) => inputTokens <= limit
          ? undefined
          : new PolicyRefusal('invalid_request', `The prompt has ${inputTokens} tokens, and ${limit} are allowed with ${levelNames[scope]}. Shorten it, or raise the limit ${levelAdvice[scope]}.`, { rule: 'max_input_tokens', scope, limit })
      }
}

export function outputRule({ scope, policy: { maxOutputTokens: limit } }: PolicyLevel): StaticRule | undefined {
  return limit === undefined
    ? undefined
    : {
        rule: 'max_output_tokens', scope, limit,
        refuse: ({ outputTokens }) => (outputTokens ?? 0) <= limit
          ? undefined
          : new PolicyRefusal('invalid_request', `Answers with ${levelNames[scope]} may have ${limit} tokens, and ${outputTokens} were asked for. Ask for fewer, or raise the limit ${levelAdvice[scope]}.`, { rule: 'max_output_tokens', scope, limit, param: 'max_tokens' })
      }
}
