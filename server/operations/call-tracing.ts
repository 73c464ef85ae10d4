import { setTimeout as sleep } from 'node:timers/promises'
import type { Tracer } from '@opentelemetry/api'
import { diag, DiagLogLevel } from '@opentelemetry/api'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { BatchSpanProcessor, ParentBasedSampler, TraceIdRatioBasedSampler, TracerProvider } from '@opentelemetry/sdk-trace'
import { version } from '../../package.json'
import type { Config } from '../config'
import type { CallContext } from '../gateway/call-context'
import { CallSpan } from './call-span'
import type { Log } from './log'
import type { Metrics } from './metrics'

/** Spans waiting to be sent; beyond it the newest are dropped, so that a collector that is gone costs no more memory. */
const MAX_WAITING_SPANS = 8_192
const SEND_EVERY_MS = 1_000
const CLOSE_TIMEOUT_MS = 3_000

/** Makes the spans of calls and sends them, in batches and beside the calls. */
export class CallTracing {
  private readonly tracer: Tracer

  constructor(private readonly provider: TracerProvider) {
    this.tracer = provider.getTracer('loom', version)
  }

  begin(context: CallContext): CallSpan {
    return new CallSpan(this.tracer, context)
  }

  /** Sends what waits, as far as the collector takes it in a few seconds. */
  async close(): Promise<void> {
    await Promise.race([this.provider.shutdown(), sleep(CLOSE_TIMEOUT_MS, undefined, { ref: false })])
  }
}

/**
 * Tracing to the OpenTelemetry collector that OTEL_EXPORTER_OTLP_ENDPOINT names; undefined without one. The exporter reads the rest
 * of the standard's variables itself (`OTEL_EXPORTER_OTLP_HEADERS`, `…_TIMEOUT`, `…_COMPRESSION`, `…_CERTIFICATE`).
 */
export function openCallTracing(config: Config, log: Log, metrics: Metrics): CallTracing | undefined {
  if (!config.OTEL_EXPORTER_OTLP_ENDPOINT) return undefined
  const report = (message: string) => {
    metrics.failures.inc({ what: 'tracing' })
    log.warn({ reason: message.slice(0, 500) }, 'Traces could not be sent to the OpenTelemetry collector')
  }
  diag.setLogger({ error: report, warn: report, info: () => {}, debug: () => {}, verbose: () => {} }, { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true })
  return new CallTracing(new TracerProvider({
    resource: resourceFromAttributes({ 'service.name': config.OTEL_SERVICE_NAME, 'service.version': version }),
    sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(config.OTEL_TRACES_SAMPLER_ARG) }),
    spanProcessors: [new BatchSpanProcessor({ exporter: new OTLPTraceExporter(), scheduledDelayMillis: SEND_EVERY_MS, maxQueueSize: MAX_WAITING_SPANS })]
  }))
}
