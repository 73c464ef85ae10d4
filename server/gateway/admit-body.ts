import type { IncomingMessage } from 'node:http'
import { LoomError } from '../errors'
import type { CallContext } from './call-context'
import type { Gateway } from './gateway'
import { drop } from './read-body'

/** Smaller ones, as most are, cost less than asking about them. */
const SMALL_BODY_BYTES = 256 * 1024

/**
 * Refuses a body that may be large before it is read, where no call of its caller would pass now, whatever is in it. Nothing is counted. What an
 * earlier call with the same `Idempotency-Key` was answered is given again whatever the limits say.
 * @throws {LoomError} as `PolicyGate.requireRoom` and `Replays.isClaimed`
 */
export async function admitBody({ policy, replays }: Pick<Gateway, 'policy' | 'replays'>, request: IncomingMessage, { caller, operation, ip }: Pick<CallContext, 'caller' | 'operation' | 'ip'>, key: string | undefined): Promise<void> {
  // One that does not tell its length may have any.
  if (Number(request.headers['content-length'] ?? Infinity) <= SMALL_BODY_BYTES) return
  try {
    await policy.requireRoom(caller, { scope: operation.scope, ip })
  } catch (refusal) {
    const isOfLimit = refusal instanceof LoomError && refusal.code === 'rate_limit_exceeded'
    if (isOfLimit && key !== undefined && await replays.isClaimed(caller, key)) return
    drop(request)
    throw refusal
  }
}
