import type { Tags } from '../../shared/traces'
import type { LoomError } from '../errors'
import type { Admission } from './apply-policy'
import type { Billing } from './billing-headers'
import type { CacheDirective } from '../cache/cache-directive'
import type { AnswerKeeper } from '../idempotency/keep-answer'
import type { Caller } from './caller'
import type { CallRequest, Operation } from './operations/operation'
import type { StreamSink } from './relay-stream'
import type { TraceContext } from './trace-context'
import type { Usage } from './usage'

/** One call on the road. */
export interface CallContext {
  /** UUIDv7; the trace id, and the usage record's. */
  requestId: string
  /** The operation's name, but for calls that did not come over HTTP. */
  endpoint: string
  operation: Operation
  caller: Caller
  request: CallRequest
  billing: Billing
  /** Whether and how the caller wants cached answers. */
  caching?: CacheDirective | undefined
  /** Of a call that claimed an `Idempotency-Key`: takes the answer, to be stored with its capture. What streams it takes from the sink. */
  keeper?: AnswerKeeper | undefined
  /** Aborted with a LoomError when the caller leaves; the road aborts it when the call takes too long. */
  abort: AbortController
  /** performance.now() at the call's first byte. */
  receivedAt: number
  /** And when its caller was known, and when all of its body was; of calls over HTTP. */
  authenticatedAt?: number
  readAt?: number
  ip: string | null
  /** The caller's place in a distributed trace, where it told one. */
  traceContext?: TraceContext | undefined
  /** What the caller knows it by. */
  tags?: Tags | undefined
  conversationId?: string | undefined
  messageId?: string | undefined
}

/** What is known when the answer begins. */
export interface AnswerHead {
  requestId: string
  provider: string
  model: string
  attempts: number
  overheadMs: number
  admission: Admission | undefined
  /** The cap put on the answer because the wallet pays for no more; undefined when there is none. */
  maxOutputTokens: number | undefined
  /** `none`: the cache was not asked. */
  cache: 'none' | 'hit' | 'miss'
  /** Of a cached answer. */
  cacheAgeMs: number | undefined
}

export interface CallSink extends StreamSink {
  /** Called once, before the first `write` of a stream. */
  begin: (head: AnswerHead, contentType: string) => void
}

/** How a call ended. It is captured: what is in here is in the ledger. */
export interface CallOutcome {
  head: AnswerHead
  usage: Usage
  usageSource: 'provider' | 'estimated' | 'partial'
  costNanoUsd: bigint
  latencyMs: number
  ttfbMs: number | null
  /** The status its caller saw: a stream that breaks off had begun with 200. */
  toldStatus: number
  /** The answer of a call that does not stream. */
  answer: { contentType: string, body: Buffer } | null
  /** What a stream ends with: the events held back for the capture, or its error event. */
  ending: Buffer | null
  error: LoomError | null
}
