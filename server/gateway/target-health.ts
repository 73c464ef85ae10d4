import { LRUCache } from 'lru-cache'
import type { Target } from '../catalog/target'
import type { Leave } from './circuit-breaker'
import { CircuitBreaker } from './circuit-breaker'

/** No provider keeps calls away for longer, whatever it asks for. */
const MAX_REST_MS = 60_000
/** A caller can name any number of models. */
const MAX_RESTS = 10_000

/** What an attempt told of its target: `unreachable` is no connection at all, `failed` a 5xx, a timeout or a broken answer, `undecided` nothing. */
export type AttemptVerdict = 'answered' | 'failed' | 'unreachable' | 'undecided'

/** Leave for one attempt at a target, of both its circuits. */
export interface TargetLeave { reach: Leave, answers: Leave }

/**
 * Whether a target may be called now. Two circuits guard it, so that no tenant can take a provider from the others: a provider that
 * cannot be reached is so for everybody, and its connection rests; but a 5xx or a timeout may be the request's own doing, so it
 * counts for the org alone that sent it, and for that model.
 */
export class TargetHealth {
  private readonly reach = new CircuitBreaker()
  private readonly answers = new CircuitBreaker()
  /** Until when a provider asked to be left alone, by org, connection and model: a limit may be that of the request's own size. */
  private readonly rests = new LRUCache<string, number>({ max: MAX_RESTS })

  /** Leave for an attempt, to report with how it went: it may be the one probe of an open circuit. Undefined while the target rests. */
  admit(orgId: string, target: Target): TargetLeave | undefined {
    const connection = target.connection.id
    const reach = this.reach.admit(connection)
    if (!reach) return undefined
    const answers = this.answers.admit(answersOf(orgId, target))
    if (answers) return { reach, answers }
    this.reach.undecided(connection, reach)
    return undefined
  }

  /** The provider said after how many milliseconds to come back (`Retry-After`). */
  restAsked(orgId: string, target: Target, afterMs: number, now = Date.now()): void {
    this.rests.set(answersOf(orgId, target), now + Math.min(afterMs, MAX_REST_MS))
  }

  /** Targets in the order to try them: as they come, but last those whose provider asked to be left alone. Where there are no others, they are asked all the same. */
  order(orgId: string, targets: readonly Target[], now = Date.now()): readonly Target[] {
    if (targets.length < 2 || this.rests.size === 0) return targets
    const rests = (target: Target) => (this.rests.get(answersOf(orgId, target)) ?? 0) > now
    return [...targets.filter(target => !rests(target)), ...targets.filter(rests)]
  }

  /** Milliseconds until it may be tried again; 0 when it may be now. */
  waitMs(orgId: string, target: Target): number {
    return Math.max(this.reach.waitMs(target.connection.id), this.answers.waitMs(answersOf(orgId, target)))
  }

  /** What rests now, and for how many milliseconds: whole connections for everybody (`orgId` null), models of a connection for one org. */
  resting(): { orgId: string | null, connectionId: string, model: string | null, waitMs: number }[] {
    const connections = this.reach.open().map(({ name, waitMs }) => ({ orgId: null, connectionId: name, model: null, waitMs }))
    const models = this.answers.open().map(({ name, waitMs }) => {
      const [orgId = '', connectionId = '', ...model] = name.split(' ')
      return { orgId, connectionId, model: model.join(' '), waitMs }
    })
    return [...connections, ...models]
  }

  report(orgId: string, target: Target, leave: TargetLeave, verdict: AttemptVerdict): void {
    const [connection, answers] = [target.connection.id, answersOf(orgId, target)]
    if (verdict === 'unreachable') this.reach.failed(connection, leave.reach)
    else if (verdict === 'undecided') this.reach.undecided(connection, leave.reach)
    else this.reach.succeeded(connection)
    if (verdict === 'failed') this.answers.failed(answers, leave.answers)
    else if (verdict === 'answered') this.answers.succeeded(answers)
    else this.answers.undecided(answers, leave.answers)
  }
}

function answersOf(orgId: string, { connection, upstreamModel }: Target): string {
  return `${orgId} ${connection.id} ${upstreamModel}`
}
