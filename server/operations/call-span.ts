import type { Attributes, Context, Span, Tracer } from '@opentelemetry/api'
import { createTraceState, ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import { toUsdDecimal } from '../../shared/money'
import type { Target } from '../catalog/target'
import type { CallContext, CallOutcome } from '../gateway/call-context'
import type { Attempt } from '../gateway/open-upstream'
import type { Transport } from '../gateway/providers/provider'
import { traceHeaders } from '../gateway/trace-context'
import { providerName } from './provider-name'
import { readAnswerHead } from './read-answer-head'

/** What the conventions call an operation; others keep the name they have here. */
const operationNames: Record<string, string> = {
  'chat.completions': 'chat',
  'responses': 'chat',
  'messages': 'chat',
  'completions': 'text_completion',
  'images.generations': 'generate_content',
  'images.edits': 'generate_content',
  'audio.speech': 'generate_content'
}

/**
 * One call as a span, with a span below it for each step of the road and each attempt. Carries names, counts and times, never a
 * body. Source: open-telemetry/semantic-conventions-genai (`gen_ai.*`), read 2026-11.
 */
export class CallSpan {
  private readonly span: Span
  private readonly within: Context
  private attempt: Span | undefined
  /** When the step under way began (performance.now()). */
  private since: number

  constructor(private readonly tracer: Tracer, private readonly context: CallContext) {
    const { caller, endpoint, operation, receivedAt, request, requestId } = context
    const isHttp = endpoint === operation.name
    this.span = tracer.startSpan(`${this.operationName} ${request.model}`, {
      kind: isHttp ? SpanKind.SERVER : SpanKind.INTERNAL,
      startTime: clock(receivedAt),
      attributes: withoutGaps({
        'gen_ai.operation.name': this.operationName,
        'gen_ai.request.model': request.model,
        'gen_ai.request.stream': request.stream,
        'gen_ai.request.max_tokens': request.askedOutputTokens,
        'gen_ai.conversation.id': context.conversationId,
        'http.request.method': isHttp ? 'POST' : undefined,
        'http.route': isHttp ? operation.path : undefined,
        'loom.request.id': requestId,
        'loom.org.id': caller.orgId,
        'loom.project.id': caller.projectId,
        'loom.key.id': caller.apiKeyId
      })
    }, parentOf(context))
    this.within = trace.setSpan(ROOT_CONTEXT, this.span)
    this.since = receivedAt
    this.step('authenticate')
  }

  /** The step that ran since the last one has ended. */
  step(name: 'authenticate' | 'policy' | 'hold' | 'relay' | 'capture'): void {
    const span = this.tracer.startSpan(name, { startTime: clock(this.since) }, this.within)
    this.since = performance.now()
    span.end(clock(this.since))
  }

  /** Sends requests as attempts of this call: the upstream learns whose child it is. */
  carry(send: Transport): Transport {
    return (request, signal) => {
      this.attempt = this.tracer.startSpan('attempt', { kind: SpanKind.CLIENT, startTime: clock(performance.now()) }, this.within)
      const { traceId, spanId, traceFlags, traceState } = this.attempt.spanContext()
      const here = { traceId, spanId, flags: traceFlags.toString(16).padStart(2, '0'), state: traceState?.serialize() }
      return send({ ...request, headers: { ...request.headers, ...traceHeaders(here) } }, signal)
    }
  }

  attempted({ error, latencyMs, model, status }: Attempt, { connection }: Target): void {
    const now = performance.now()
    const span = this.attempt ?? this.tracer.startSpan('attempt', { kind: SpanKind.CLIENT, startTime: clock(now - latencyMs) }, this.within)
    this.attempt = undefined
    span.updateName(`${this.operationName} ${model}`)
    span.setAttributes(withoutGaps({
      'gen_ai.operation.name': this.operationName,
      'gen_ai.provider.name': providerName(connection),
      'gen_ai.request.model': model,
      'http.response.status_code': status,
      'error.type': error
    }))
    if (error) span.setStatus({ code: SpanStatusCode.ERROR })
    span.end(clock(now))
    this.since = now
  }

  /** @param target the one that answered, or was tried last; `answer` is what it said, whole */
  end({ costNanoUsd, error, head, toldStatus, ttfbMs, usage, usageSource }: CallOutcome, target: Target | undefined, answer: Buffer | null): void {
    const now = clock(performance.now())
    this.attempt?.end(now)
    const { span } = this
    const told = span.isRecording() ? readAnswerHead(answer) : {}
    span.setAttributes(withoutGaps({
      'gen_ai.provider.name': target && providerName(target.connection),
      'gen_ai.response.model': told.model ?? target?.servedModel,
      'gen_ai.response.id': told.id,
      'gen_ai.response.finish_reasons': told.finishReasons,
      'gen_ai.response.time_to_first_chunk': this.context.request.stream && ttfbMs !== null ? ttfbMs / 1000 : undefined,
      // No model wrote what the cache gave.
      ...(head.cache !== 'hit' && {
        'gen_ai.usage.input_tokens': usage.inputTokens,
        'gen_ai.usage.output_tokens': usage.outputTokens,
        'gen_ai.usage.cache_read.input_tokens': usage.cachedInputTokens,
        'gen_ai.usage.cache_write.input_tokens': usage.cacheWriteTokens,
        'gen_ai.usage.reasoning.output_tokens': usage.reasoningTokens
      }),
      'http.response.status_code': toldStatus,
      'error.type': error?.code,
      'loom.cache': head.cache === 'none' ? undefined : head.cache,
      'loom.usage.source': usageSource,
      'loom.cost.usd': Number(toUsdDecimal(costNanoUsd)),
      'loom.attempts': head.attempts
    }))
    // A server's span is an error only where the server is at fault, as the conventions for HTTP have it.
    if (error && error.status >= 500) span.setStatus({ code: SpanStatusCode.ERROR, message: error.message })
    span.end(now)
  }

  private get operationName(): string {
    return operationNames[this.context.operation.name] ?? this.context.operation.name
  }
}

/** performance.now() as milliseconds since 1970, by one clock for all spans: the SDK would read another for each. */
const clock = (now: number) => performance.timeOrigin + now

/** The caller's span, where it told one. */
function parentOf({ traceContext }: CallContext): Context {
  if (!traceContext) return ROOT_CONTEXT
  const { traceId, spanId, flags, state } = traceContext
  return trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags: Number.parseInt(flags, 16) & 1, isRemote: true, ...(state && { traceState: createTraceState(state) }) })
}

function withoutGaps(attributes: Record<string, string | number | boolean | string[] | null | undefined>): Attributes {
  const known: Attributes = {}
  for (const [name, value] of Object.entries(attributes)) if (value !== null && value !== undefined) known[name] = value
  return known
}
