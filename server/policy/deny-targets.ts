import type { Target } from '../catalog/target'
import type { CallerPolicy } from './compile-policy'
import type { DenyMatcher } from './match-model'
import { modelRefusal } from './static-rules'

/** The names of a target that rules know it by. */
export type NamedTarget = Pick<Target, 'upstreamModel' | 'servedModel'> & { connection: Pick<Target['connection'], 'name'> }

/**
 * The targets that no rule denies: a denied model stays denied under another name that leads to it.
 * @param model the name in the request
 * @throws {LoomError} `model_not_allowed` when none is left
 */
export function withoutDenied(policy: Pick<CallerPolicy, 'denied'>, model: string, targets: Target[]): Target[] {
  if (policy.denied.length === 0) return targets
  const left = targets.filter(target => !findDenying(policy, target))
  const [first] = targets
  const denying = left.length === 0 && first ? findDenying(policy, first) : undefined
  if (denying) throw modelRefusal(denying.scope, model)
  return left
}

/** The first rule that denies a target; undefined where calls may go there. */
export function findDenying({ denied }: Pick<CallerPolicy, 'denied'>, target: NamedTarget): CallerPolicy['denied'][number] | undefined {
  return denied.find(({ matcher }) => leadsToDenied(matcher, target))
}

function leadsToDenied(matcher: DenyMatcher, { connection, upstreamModel, servedModel }: NamedTarget): boolean {
  const isDenied = (name: string) => matcher.matches(name) || matcher.matches(`${connection.name}/${name}`)
  return isDenied(upstreamModel) || (servedModel !== upstreamModel && isDenied(servedModel))
}
