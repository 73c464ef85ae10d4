import type { IncomingMessage, ServerResponse } from 'node:http'
import { toUsdDecimal } from '../../shared/money'
import { LoomError } from '../errors'
import { admitBody } from '../gateway/admit-body'
import { parseBilling } from '../gateway/billing-headers'
import type { AnswerHead, CallOutcome, CallSink } from '../gateway/call-context'
import { errorHeaders } from '../gateway/openai-error'
import type { Operation } from '../gateway/operations/operation'
import { newRequestId } from '../gateway/request-id'
import { rateLimitHeaders } from '../gateway/rate-limit-headers'
import { openUpload, readCallBody } from '../gateway/read-call-body'
import { readTags } from '../gateway/read-tags'
import { readTraceContext } from '../gateway/trace-context'
import { readCacheDirective } from '../cache/cache-directive'
import { runCall } from '../gateway/run-call'
import { runOnce } from '../gateway/run-once'
import type { Upload } from '../gateway/upload'
import { hashRequest, readIdempotencyKey } from '../idempotency/read-key'
import type { Replay } from '../idempotency/replays'
import { statusLabel } from '../operations/metrics'
import { requireRunning } from '../operations/require-running'
import type { Runtime } from '../runtime'
import { readClientIp } from './client-ip'
import { tellKeyExpiry } from './tell-key-expiry'

const KEEP_ALIVE_MS = 15_000
const KEEP_ALIVE = ': keep-alive\n\n'

/** An operation on the bare Node request and response: the road over HTTP, in the operation's dialect. */
export async function serveOperation(operation: Operation, request: IncomingMessage, response: ServerResponse, runtime: Pick<Runtime, 'config' | 'gateway' | 'stopping'>): Promise<void> {
  const { config, gateway } = runtime
  const receivedAt = performance.now()
  const requestId = newRequestId()
  const abort = new AbortController()
  /** The caller's leaving does not end it: an `Idempotency-Key` brings the answer to the next attempt. */
  let goesOn = false
  let upload: Upload | undefined
  response.on('close', () => {
    if (!response.writableEnded && !goesOn) abort.abort(new LoomError('caller_gone', 'The caller left before the answer was complete.'))
  })
  // Writing to a caller who has left is an error event; that they left is known from `close`.
  response.on('error', cause => gateway.log.debug({ err: cause, requestId }, 'The caller left'))
  try {
    requireRunning(runtime)
    const authenticate = () => gateway.authenticator.authenticate(request.headers, () => readClientIp(request, config.TRUSTED_PROXIES))
    let caller = await authenticate()
    const isBodyToCome = !request.complete
    const authenticatedAt = performance.now()
    tellKeyExpiry(response, caller)
    const billing = parseBilling(header(request, 'x-billing-amount'), header(request, 'x-billing-ref-id'))
    const key = readIdempotencyKey(request.headers['idempotency-key'])
    const ip = readClientIp(request, config.TRUSTED_PROXIES)
    await admitBody(gateway, request, { caller, operation, ip }, key)
    upload = operation.parseUpload && !(operation.takesJson && isJson(request)) ? openUpload(request, config.MAX_UPLOAD_BYTES, caller, operation) : undefined
    const call = upload && operation.parseUpload
      ? await operation.parseUpload(upload)
      : operation.parse(await readCallBody(request, config.MAX_BODY_BYTES, caller), request.headers)
    const readAt = performance.now()
    // A body takes its time: whose came after the signal has not begun either, and a key may have been revoked, or bounded, meanwhile.
    requireRunning(runtime)
    if (isBodyToCome) caller = await authenticate()
    const traceContext = readTraceContext(header(request, 'traceparent'), header(request, 'tracestate'))
    const tags = readTags(header(request, 'x-loom-tags'), caller.traceBodies ? call.metadata : undefined, traceContext?.traceId)
    const caching = readCacheDirective(header(request, 'x-loom-cache'), caller.cacheTtlSeconds)
    const sink = new ResponseSink(response, operation)
    const context = { requestId, endpoint: operation.name, operation, caller, request: call, billing, caching, abort, receivedAt, authenticatedAt, readAt, ip, tags, traceContext }
    if (key === undefined) return sendOutcome(response, sink, operation, await runCall(gateway, context, sink))
    const requestHash = hashOf(request, upload ? await upload.digest() : call.raw)
    const outcome = await runOnce(gateway, context, sink, { key, requestHash, begins: () => goesOn = true })
    if ('error' in outcome) sendOutcome(response, sink, operation, outcome)
    else sendReplay(response, operation, outcome)
  } catch (cause) {
    const error = cause instanceof LoomError ? cause : new LoomError('internal_error', 'Something went wrong on our side. Try again.', { cause })
    if (error.status === 500) gateway.log.error({ err: cause, requestId }, 'A call failed on our side')
    else gateway.log.info({ requestId, endpoint: operation.name, status: error.status, error: error.code, cause: gateway.countUnserved(error) }, 'call')
    gateway.metrics.requests.inc({ endpoint: operation.name, provider: 'none', status: statusLabel(error.status) })
    sendError(response, operation, error, requestIdHeaders(operation, requestId))
  } finally {
    if (upload) await upload.close()
  }
}

/** A socket as the road sees it. Headers wait for the first byte of the answer, so that a failure before it keeps its status. */
export class ResponseSink implements CallSink {
  private head: { head: AnswerHead, contentType: string } | undefined
  private keepAlive: NodeJS.Timeout | undefined

  constructor(private readonly response: ServerResponse, private readonly operation: Operation) {}

  begin(head: AnswerHead, contentType: string): void {
    this.head = { head, contentType }
  }

  write(bytes: Buffer): boolean {
    // Gone, while the call goes on: nothing will ever drain.
    if (this.response.destroyed) return true
    if (this.head) this.open(this.head)
    return this.response.write(bytes)
  }

  private open({ head, contentType }: { head: AnswerHead, contentType: string }): void {
    this.head = undefined
    this.response.writeHead(200, {
      ...headHeaders(this.operation, head),
      'content-type': contentType,
      'cache-control': 'no-cache',
      'x-accel-buffering': 'no'
    })
    if (!contentType.startsWith('text/event-stream')) return
    // The road writes whole events only, so a comment fits between any two writes.
    this.keepAlive = setInterval(() => this.response.write(KEEP_ALIVE), KEEP_ALIVE_MS)
    // Broken off, nothing ends it.
    this.response.on('close', () => clearInterval(this.keepAlive))
  }

  drained(): Promise<void> {
    return new Promise((resolve) => {
      if (this.response.destroyed) return resolve()
      const settle = () => {
        this.response.off('drain', settle).off('close', settle)
        resolve()
      }
      this.response.on('drain', settle).on('close', settle)
    })
  }

  end(bytes: Buffer): void {
    if (this.head) this.open(this.head)
    clearInterval(this.keepAlive)
    this.response.end(bytes)
  }
}

/** Whatever came of a call. Once a stream has begun, a failure is its last event: it never ends silently. */
function sendOutcome(response: ServerResponse, sink: ResponseSink, operation: Operation, outcome: CallOutcome): void {
  if (outcome.ending && (!outcome.error || response.headersSent)) sink.end(outcome.ending)
  else if (outcome.error) sendError(response, operation, outcome.error, headHeaders(operation, outcome.head))
  else if (outcome.answer) sendAnswer(response, operation, outcome, outcome.answer)
}

function sendAnswer(response: ServerResponse, operation: Operation, { head, costNanoUsd }: CallOutcome, { contentType, body }: NonNullable<CallOutcome['answer']>): void {
  response.writeHead(200, {
    ...headHeaders(operation, head),
    'content-type': contentType,
    'content-length': body.length,
    'x-loom-cost-usd': toUsdDecimal(costNanoUsd)
  })
  response.end(body)
}

/** What an earlier call got, once more: its own id, cost and origin, and word that it is not new. */
function sendReplay(response: ServerResponse, operation: Operation, { head, body }: Replay): void {
  response.writeHead(200, {
    ...requestIdHeaders(operation, head.requestId),
    'x-loom-provider': head.provider,
    'x-loom-model': encodeURI(head.model),
    'x-loom-attempts': String(head.attempts),
    'x-loom-cache': head.cache,
    ...(head.costUsd !== null && { 'x-loom-cost-usd': head.costUsd }),
    'idempotent-replayed': 'true',
    'content-type': head.contentType,
    'content-length': body.length
  })
  response.end(body)
}

/** Whatever changes what is done or charged is part of the request. */
function hashOf(request: IncomingMessage, body: Buffer): string {
  return hashRequest({
    path: request.url?.split('?')[0] ?? '',
    headers: [header(request, 'x-billing-amount'), header(request, 'x-billing-ref-id'), header(request, 'anthropic-beta')],
    body
  })
}

function sendError(response: ServerResponse, operation: Operation, error: LoomError, headers: Record<string, string>): void {
  if (response.destroyed) return
  // Half an answer, and no way to say so in its format: breaking off says it.
  if (response.headersSent) return void response.destroy()
  const body = JSON.stringify(operation.toError(error))
  response.writeHead(error.status, {
    ...headers,
    ...errorHeaders(error),
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body)
  })
  response.end(body)
}

function requestIdHeaders({ requestIdHeader }: Operation, requestId: string): Record<string, string> {
  return requestIdHeader ? { 'x-request-id': requestId, [requestIdHeader]: requestId } : { 'x-request-id': requestId }
}

function headHeaders(operation: Operation, head: AnswerHead): Record<string, string> {
  const overhead = head.overheadMs.toFixed(2)
  return {
    ...requestIdHeaders(operation, head.requestId),
    'x-loom-provider': head.provider,
    'x-loom-model': encodeURI(head.model),
    'x-loom-attempts': String(head.attempts),
    'x-loom-cache': head.cache,
    ...(head.cacheAgeMs !== undefined && { age: String(Math.floor(head.cacheAgeMs / 1000)) }),
    ...(head.maxOutputTokens !== undefined && { 'x-loom-max-tokens': String(head.maxOutputTokens) }),
    'x-loom-overhead-ms': overhead,
    'server-timing': `gateway;dur=${overhead}`,
    ...rateLimitHeaders('requests', head.admission?.requests),
    ...rateLimitHeaders('tokens', head.admission?.tokens)
  }
}

function isJson(request: IncomingMessage): boolean {
  return /^application\/json\s*(?:;|$)/i.test(header(request, 'content-type')?.trim() ?? '')
}

function header(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name]
  return Array.isArray(value) ? value[0] : value
}
