import type { Target } from '../catalog/target'
import type { CallerPolicy } from './compile-policy'
import type { ModelMatcher } from './match-model'
import { modelRefusal } from './static-rules'

/**
 * The targets that no rule denies: a denied model stays denied under another name that leads to it.
 * @param model the name in the request
 * @throws {LoomError} `model_not_allowed` when none is left
 */
export function withoutDenied(policy: Pick<CallerPolicy, 'denied'>, model: string, targets: Target[]): Target[] {
  if (policy.denied.length === 0) return targets
  const findDenying = (target: Target) => policy.denied.find(({ matcher }) => leadsToDenied(matcher, target))
  const left = targets.filter(target => !findDenying(target))
  const [first] = targets
  const denying = left.length === 0 && first ? findDenying(first) : undefined
  if (denying) throw modelRefusal(denying.scope, model)
  return left
}

function leadsToDenied(matcher: ModelMatcher, { connection, upstreamModel, servedModel }: Target): boolean {
  const isDenied = (name: string) => matcher.matches(name) || matcher.matches(`${connection.name}/${name}`)
  return isDenied(upstreamModel) || (servedModel !== upstreamModel && isDenied(servedModel))
}
