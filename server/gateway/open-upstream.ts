import { setTimeout as sleep } from 'node:timers/promises'
import type { Readable } from 'node:stream'
import type { Target } from '../catalog/target'
import { LoomError } from '../errors'
import { ByteCollector } from '../utils/byte-collector'
import { parseJson } from '../../shared/parse-json'
import { MAX_ANSWER_BYTES, requireTakeable, tooLarge } from './answer-limits'
import type { LatencyBoard } from './latency-board'
import type { CallRequest, Delivered, StreamTap, WholeAnswer } from './operations/operation'
import type { Transport, UpstreamResponse } from './providers/provider'
import { redactFailure, ToldFailure, toldResponse } from './providers/upstream-failure'
import type { AttemptVerdict, TargetHealth, TargetLeave } from './target-health'
import { StreamOpening } from './stream-opening'
import { readToldFailure } from './told-failure'
import { toUpstreamError, UnansweredError, UnreachableError } from './transport'
import { readUpstreamError } from './upstream-error'
import { noUsage } from './usage'

const BACKOFF_BASE_MS = 100
const BACKOFF_CAP_MS = 2_000
/** The longest `Retry-After` worth waiting for inside a call; beyond it the next target is tried, or the caller is told. */
const MAX_RETRY_AFTER_MS = 5_000
/** How long what comes before an answer is held back for what follows, which may be a failure; then its caller is to hear that it is being worked on. */
const OPENING_MS = 15_000
/** And how much of it: the head of an answer repeats the request's instructions and tools. */
const MAX_OPENING_BYTES = 4 * 1024 * 1024
/** No failure is told at greater length. */
const MAX_TOLD_BYTES = 64 * 1024

/** One upstream try, as the trace keeps it. */
export interface Attempt {
  /** The connection's name. */
  connection: string
  provider: string
  model: string
  status: number | null
  error: string | null
  latencyMs: number
}

/** An answer that has begun: whole, or the first bytes of a stream. */
export type Opened = { target: Target } & (
  | { kind: 'whole', answer: WholeAnswer }
  | { kind: 'stream', body: Readable, first: Buffer, tap: StreamTap, delivered: () => Delivered }
)

/** How far a call has come; filled on the way, so that it is true whatever happens. */
export interface Progress {
  attempts: Attempt[]
  /** The target tried last; once all have failed, the one whose failure is told. */
  target: Target | undefined
}

export interface OpenOptions {
  /** On whose behalf: see `TargetHealth`. */
  orgId: string
  health: TargetHealth
  latencies: LatencyBoard
  transport: Transport
  /** For targets that do not say themselves. */
  retries: number
  signal: AbortSignal
  progress: Progress
  /** Told of each attempt as it ends. */
  observe: (attempt: Attempt, target: Target) => void
  /** Listens in on an answer as it comes. */
  record?: ((response: UpstreamResponse) => UpstreamResponse) | undefined
}

/**
 * Steps 4 and 5 of the road up to the first byte: tries targets in order until one answers. Connect errors,
 * 408, 409, 429 and 5xx are tried again with backoff and jitter, then on the next target, but an answer that takes too long at once;
 * other refusals go to the caller at once, unless it named other models, and an answer that is too large whatever it named. A streamed answer is open once it begins,
 * another once it is whole.
 * @throws {LoomError} the last failure, with the upstream's own status where it had one; {UnansweredError} for an answer that its provider may have been at work on
 */
export async function openUpstream(request: CallRequest, targets: readonly Target[], options: OpenOptions): Promise<Opened> {
  let failure: UpstreamFailure | undefined
  const resting: Target[] = []
  // Who names other models wants one of them rather than a refusal.
  const isFinal = ({ verdict }: UpstreamFailure) => verdict === 'made' || (verdict === 'final' && request.alternatives === undefined)
  const told = ({ target, error }: UpstreamFailure) => {
    options.progress.target = target
    return error
  }
  for (const target of options.health.order(options.orgId, targets)) {
    const retries = target.retries ?? options.retries
    for (let tries = 0; tries <= retries; tries++) {
      const leave = options.health.admit(options.orgId, target)
      if (!leave) {
        resting.push(target)
        break
      }
      const result = await attempt(request, target, leave, options)
      if ('kind' in result) return result
      // What a provider answered tells more than that another cannot be asked, or does not have what is asked for, and what it may bill all the same more than what another answered.
      if (!failure || !(result.isInexpressible || failure.error instanceof UnansweredError || (isAbsent(result) && !isAbsent(failure)))) failure = result
      if (options.signal.aborted) throw result.error
      if (isFinal(result)) throw told(failure)
      const pauseMs = result.retryAfterMs ?? Math.random() * Math.min(BACKOFF_BASE_MS * 2 ** tries, BACKOFF_CAP_MS)
      const last = tries === retries
      if (result.verdict !== 'retry' || last || (pauseMs > MAX_RETRY_AFTER_MS)) break
      await sleep(pauseMs, undefined, { signal: options.signal }).catch(() => {
        throw toUpstreamError(options.signal.reason, options.signal)
      })
    }
  }
  // Where one of another kind rests, which might have answered, the request is not at fault.
  const mightAnswer = ({ connection }: Target) => options.progress.attempts.every(({ provider }) => provider !== connection.kind)
  if (failure && !(failure.isInexpressible && resting.some(mightAnswer))) throw told(failure)
  const waitMs = Math.min(...resting.map(target => options.health.waitMs(options.orgId, target)))
  throw new LoomError('no_healthy_target', 'Every provider of this model has failed repeatedly and is resting. Try again shortly.', {
    retryAfterSeconds: Math.max(1, Math.ceil((Number.isFinite(waitMs) ? waitMs : 1_000) / 1000))
  })
}

interface UpstreamFailure {
  target: Target
  error: LoomError
  /** `made`: there are pictures, which are billed and too large to be taken, as is what alone makes an event of a stream so large. Another target would make the same. */
  verdict: 'retry' | 'next_target' | 'final' | 'made'
  retryAfterMs: number | undefined
  /** Nothing was sent: this kind of provider cannot express the request, another may. */
  isInexpressible: boolean
}

/** Not the answer of this target alone: it cannot be asked, or has no such model, response or thoughts. */
function isAbsent({ verdict, error }: UpstreamFailure): boolean {
  return verdict === 'next_target' && error.code === 'invalid_request'
}

async function attempt(request: CallRequest, target: Target, leave: TargetLeave, { orgId, health, latencies, transport, signal: callSignal, progress, observe, record: listen }: OpenOptions): Promise<Opened | UpstreamFailure> {
  const started = performance.now()
  const { connection } = target
  const { stream } = request
  const { signal, isOver, clear } = limitTime(callSignal, target.timeoutMs)
  const record = (status: number | null, error: string | null, verdict: AttemptVerdict, isOwnFault = verdict === 'failed' || verdict === 'unreachable') => {
    const latencyMs = performance.now() - started
    const made: Attempt = { connection: connection.name, provider: connection.kind, model: target.upstreamModel, status, error, latencyMs: Math.round(latencyMs) }
    progress.attempts.push(made)
    observe(made, target)
    health.report(orgId, target, leave, verdict)
    if (target.strategy !== 'least-latency') return
    if (error === null) latencies.answered(target, stream, latencyMs)
    else if (isOwnFault) latencies.failed(target, stream)
  }
  const refuse = async (refusal: UpstreamResponse): Promise<UpstreamFailure> => {
    const { error, verdict, retryAfterMs } = await readUpstreamError(refusal)
    // What it does not have of another account's is no fault of its own.
    const isOwnFault = verdict !== 'final' && (error.code !== 'invalid_request' || refusal.status === 404)
    record(refusal.status, error.code, refusal.status >= 500 ? 'failed' : 'answered', isOwnFault)
    if (verdict === 'retry' && retryAfterMs) health.restAsked(orgId, target, retryAfterMs)
    return { target, error, verdict, retryAfterMs, isInexpressible: false }
  }
  let status: number | null = null
  progress.target = target
  if (target.strategy === 'least-latency') latencies.began(target, stream)
  try {
    const response = await request.send(target, transport, signal)
    status = response.status
    if (status >= 400) return await refuse(response)
    const opened = await openAnswer(request, target, listen ? listen(response) : response)
    record(status, null, 'answered')
    return opened
  } catch (cause) {
    const told = cause instanceof ToldFailure ? toldResponse(connection, cause) : undefined
    if (told) return await refuse(told)
    const error = redactFailure(toUpstreamError(cause, signal), connection)
    const isInexpressible = error.code === 'invalid_request'
    const isMade = error instanceof UnansweredError && (request.unit === 'pictures' || stream)
    // Whole pictures may be as many as the caller wanted; a single one is no larger than an event may be.
    const isWished = isMade && !stream
    record(status, error.code, error.code === 'caller_gone' || isInexpressible || isWished ? 'undecided' : error instanceof UnreachableError ? 'unreachable' : 'failed')
    // The target's own limit says that another is to be asked by then: no sign of what this one was doing.
    const isLate = !isOver() && error.code === 'upstream_timeout' && !(error instanceof UnreachableError)
    const verdict = isMade ? 'made' : isInexpressible || isOver() || isLate || error instanceof UnansweredError ? 'next_target' : 'retry'
    return { target, error: isLate ? new UnansweredError(error, mayStream(request)) : error, verdict, retryAfterMs: undefined, isInexpressible }
  } finally {
    clear()
  }
}

/**
 * A successful response as an answer to the request: whole, or begun.
 * @throws {LoomError} `upstream_error` when it is none
 */
export async function openAnswer(request: CallRequest, target: Target, response: UpstreamResponse): Promise<Opened> {
  const tap = request.stream ? request.tap?.(response.headers) : undefined
  return tap
    ? { target, kind: 'stream', body: response.body, first: await firstBytes(response.body, tap), tap, delivered: response.delivered ?? (() => tap) }
    : { target, kind: 'whole', answer: await readAnswer(request, response) }
}

/** A signal of an attempt's own, for a target that may take so long until it answers; it goes on to mean the call's end. */
function limitTime(signal: AbortSignal, timeoutMs: number | null): { signal: AbortSignal, isOver: () => boolean, clear: () => void } {
  if (timeoutMs === null) return { signal, isOver: () => false, clear: () => {} }
  const limit = new AbortController()
  const timer = setTimeout(() => limit.abort(new LoomError('upstream_timeout', `The provider did not begin its answer within ${timeoutMs} ms.`)), timeoutMs)
  return { signal: AbortSignal.any([signal, limit.signal]), isOver: () => limit.signal.aborted, clear: () => clearTimeout(timer) }
}

/**
 * The first bytes of a stream, up to where its answer begins; it is paused again afterwards.
 * @throws {LoomError} the failure that comes in its place: another attempt may do better
 */
function firstBytes(body: Readable, { contentType }: StreamTap): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const opening = contentType.startsWith('text/event-stream') ? new StreamOpening() : undefined
    const bytes = new ByteCollector()
    let patience: NodeJS.Timeout | undefined
    const settle = (act: () => void) => {
      clearTimeout(patience)
      body.off('data', onData).off('end', onEnd).off('error', onError).off('close', onEnd)
      // Between here and the relay it may break, unheard; the relay finds it destroyed.
      body.on('error', () => {})
      act()
    }
    const open = () => settle(() => {
      body.pause()
      resolve(bytes.bytes())
    })
    const onData = (chunk: Buffer) => {
      bytes.push(chunk)
      try {
        if (!opening || opening.push(chunk) || bytes.size > MAX_OPENING_BYTES) open()
        else patience ??= setTimeout(open, OPENING_MS)
      } catch (error) {
        onError(error)
        body.destroy()
      }
    }
    const onEnd = () => settle(() => reject(new LoomError('upstream_error', 'The provider ended its answer before it began.')))
    const onError = (error: unknown) => settle(() => reject(error))
    body.on('data', onData).on('end', onEnd).on('error', onError).on('close', onEnd)
  })
}

/** @throws {LoomError} `upstream_error` for anything but an answer of the request's format */
async function readAnswer(request: CallRequest, { body, headers }: UpstreamResponse): Promise<WholeAnswer> {
  // Each of a stream's pictures may have as much as all of them together may have here.
  const bytes = await readWhole(body, mayStream(request) && request.unit === 'pictures')
  requireTakeable(bytes, 'answer')
  try {
    const answer = request.readAnswer(bytes, headers)
    // Without the provider's count, the answer is read for ours and written anew: one nested too deeply for that is none.
    if (!answer.usage) {
      answer.text()
      answer.finish(noUsage)
    }
    return answer
  } catch (cause) {
    if (cause instanceof LoomError) throw cause
    // What is no answer to a call may tell why.
    throw readToldFailure(parseJson(bytes.toString('utf8', 0, MAX_TOLD_BYTES))) ?? new LoomError('upstream_error', 'The provider answered with something that is not an answer to this call.', { cause })
  }
}

function mayStream({ tap, stream }: CallRequest): boolean {
  return tap !== undefined && !stream
}

/** By events rather than an async iterator, which costs as much as parsing a short answer. */
function readWhole(body: Readable, hasRoomAsStream: boolean): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const answer = new ByteCollector()
    body.on('data', (chunk: Buffer) => {
      answer.push(chunk)
      if (answer.size <= MAX_ANSWER_BYTES) return
      reject(tooLarge('answer', hasRoomAsStream))
      body.destroy()
    })
    const onClose = () => reject(new LoomError('upstream_error', 'The provider broke off its answer.'))
    body.on('end', () => {
      body.off('close', onClose)
      resolve(answer.bytes())
    })
    body.on('error', reject)
    body.on('close', onClose)
  })
}
