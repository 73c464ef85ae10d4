import type { Replay } from '../idempotency/replays'
import type { AnswerKeeper } from '../idempotency/keep-answer'
import { requireAddress, requireScope } from './apply-policy'
import type { AnswerHead, CallContext, CallOutcome, CallSink } from './call-context'
import type { Gateway } from './gateway'
import { runCall } from './run-call'

/** What the caller says of a call that must not be done twice. */
export interface OnceOnly {
  key: string
  /** See `hashRequest`. */
  requestHash: string
  /** Told when the call begins: from then on it goes on without its caller, whose next attempt gets the answer. */
  begins: () => void
}

/**
 * A call under an `Idempotency-Key`: runs it, or gives again what the call before it got. It counts against no limit to be answered again,
 * but the key must still be allowed the endpoint, from this address.
 * @throws {LoomError} as `Replays.begin` does; every failure of the call itself is the outcome's `error`
 */
export async function runOnce(gateway: Gateway, context: CallContext, sink: CallSink, { key, requestHash, begins }: OnceOnly): Promise<CallOutcome | Replay> {
  const { caller, requestId, operation, endpoint } = context
  const { apiKeyId } = caller
  if (apiKeyId === null) throw new Error('Only calls with an API key have an Idempotency-Key')
  requireScope(caller, operation.scope)
  requireAddress(caller, context.ip)
  const begun = await gateway.replays.begin({ ...caller, apiKeyId }, { key, requestHash, requestId }, context.abort.signal)
  if ('replay' in begun) {
    gateway.metrics.replays.inc({ endpoint })
    gateway.log.info({ requestId, endpoint, orgId: caller.orgId, keyId: apiKeyId, replayOf: begun.replay.head.requestId }, 'replay')
    return begun.replay
  }
  begins()
  try {
    return await runCall(gateway, { ...context, keeper: begun.keeper }, new KeepingSink(sink, begun.keeper))
  } finally {
    gateway.replays.settled(requestId)
  }
}

/** Hands what is streamed to the keeper, too. */
class KeepingSink implements CallSink {
  constructor(private readonly sink: CallSink, private readonly keeper: AnswerKeeper) {}

  begin(head: AnswerHead, contentType: string): void {
    this.sink.begin(head, contentType)
  }

  write(bytes: Buffer): boolean {
    this.keeper.push(bytes)
    return this.sink.write(bytes)
  }

  drained(): Promise<void> {
    return this.sink.drained()
  }
}
