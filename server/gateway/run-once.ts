import type { LoomError } from '../errors'
import type { Replay } from '../idempotency/replays'
import type { AnswerKeeper } from '../idempotency/keep-answer'
import { findReplayRefusal, requireAddress, requireScope } from './apply-policy'
import type { AnswerHead, CallContext, CallOutcome, CallSink } from './call-context'
import { CallRecord } from './call-record'
import type { Gateway } from './gateway'
import { modelsOf } from './plan-call'
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
 * but the rules about the call itself hold as they are now: a refusal is the outcome's `error`, and has its trace.
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
    const refusal = refusalOf(context, begun.replay.head)
    if (refusal) return await refuse(gateway, context, refusal)
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

/** An answer kept by an earlier version tells no more of its connection than the kind. */
function refusalOf({ caller, operation, request, ip }: CallContext, { provider, model, connection = provider, servedModel = model }: Replay['head']): LoomError | undefined {
  const bodyBytes = request.bodyBytes ?? request.raw.length
  const answeredBy = { connection: { name: connection }, upstreamModel: model, servedModel }
  return findReplayRefusal(caller, { scope: operation.scope, models: modelsOf(caller, request), ip, bodyBytes, outputTokens: request.askedOutputTokens }, answeredBy)
}

/** Recorded as a refusal before the call would be. */
function refuse(gateway: Gateway, context: CallContext, refusal: LoomError): Promise<CallOutcome> {
  const call = new CallRecord(gateway, context)
  call.isJudged = true
  return call.fail(refusal)
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
