import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client'
import { statusOf } from '../errors'

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300]
const OVERHEAD_SECONDS = [0.00025, 0.0005, 0.001, 0.0015, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.02, 0.05, 0.1, 0.5]
/** How often the event loop's delay is looked at. At the library's 10 ms, the looking was half of what an idle process does. */
const EVENT_LOOP_PRECISION_MS = 100

/**
 * The Prometheus metrics of this process. Labels are bounded: endpoints, provider kinds and status codes, never
 * anything a caller can invent.
 */
export function createMetrics() {
  const registry = new Registry()
  const registers = [registry]
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: EVENT_LOOP_PRECISION_MS })
  return {
    registry,
    requests: new Counter({ name: 'gateway_requests_total', help: 'Gateway calls answered, by endpoint, provider kind and status code', labelNames: ['endpoint', 'provider', 'status'], registers }),
    duration: new Histogram({ name: 'gateway_request_duration_seconds', help: 'Whole call, from its first byte in to its last byte out', labelNames: ['endpoint', 'provider'], buckets: SECONDS, registers }),
    overhead: new Histogram({ name: 'gateway_overhead_seconds', help: 'Time the gateway itself added to a call', labelNames: ['endpoint'], buckets: OVERHEAD_SECONDS, registers }),
    ttft: new Histogram({ name: 'gateway_time_to_first_token_seconds', help: 'From the call to the first byte of its answer', labelNames: ['endpoint', 'provider'], buckets: SECONDS, registers }),
    tokens: new Counter({ name: 'gateway_tokens_total', help: 'Tokens charged for', labelNames: ['provider', 'direction'], registers }),
    cost: new Counter({ name: 'gateway_cost_usd_total', help: 'Cost of captured calls in USD; a monitoring figure, the ledger is exact', labelNames: ['provider'], registers }),
    cacheLookups: new Counter({ name: 'gateway_cache_lookups_total', help: 'Calls that asked the cache, by what it knew', labelNames: ['outcome'], registers }),
    unserved: new Counter({ name: 'gateway_unserved_total', help: 'Calls to /v1 refused because the database, or the cache, did not answer', registers }),
    replays: new Counter({ name: 'gateway_replays_total', help: 'Calls answered from what an earlier one with their Idempotency-Key got', labelNames: ['endpoint'], registers }),
    httpRequests: new Counter({ name: 'loom_http_requests_total', help: 'Requests to everything but model calls', labelNames: ['method', 'status'], registers }),
    inFlight: new Gauge({ name: 'gateway_requests_in_flight', help: 'Calls running now', registers }),
    upstreamConnections: new Gauge({ name: 'gateway_upstream_connections', help: 'Upstream connections by state', labelNames: ['state'], registers }),
    attempts: new Counter({ name: 'gateway_upstream_attempts_total', help: 'Upstream attempts by provider kind and outcome', labelNames: ['provider', 'outcome'], registers }),
    batchSize: new Histogram({ name: 'gateway_batch_size', help: 'Calls a ledger batch', labelNames: ['batch'], buckets: [1, 2, 4, 8, 16, 32, 64, 128, 256, 512], registers }),
    shortfall: new Counter({ name: 'gateway_charge_shortfall_usd_total', help: 'Cost beyond a hold that the wallet could not cover', registers }),
    surcharges: new Counter({ name: 'gateway_unpriced_answers_total', help: 'Answers to payers that cost more than the tokens they were charged for, by what told so', labelNames: ['what'], registers }),
    failures: new Counter({ name: 'loom_failures_total', help: 'Failures that did not break a request: what failed', labelNames: ['what'], registers }),
    expiredRows: new Counter({ name: 'loom_retention_rows_total', help: 'Traces deleted, and traces whose bodies were taken away, because their time was over', labelNames: ['what'], registers }),
    expiringKeys: new Gauge({ name: 'loom_keys_expiring_soon', help: 'Active API keys that end within two weeks', registers }),
    alertDeliveries: new Counter({ name: 'loom_alert_deliveries_total', help: 'Attempts to deliver an alert, by channel and outcome', labelNames: ['channel', 'outcome'], registers }),
    expiredHolds: new Counter({ name: 'gateway_expired_holds_total', help: 'Holds settled because their process is gone', registers }),
    databaseWork: new Gauge({ name: 'loom_database_statements', help: 'Statements and transactions at the database, by pool: those that a connection works on, and those that wait for one', labelNames: ['pool', 'state'], registers }),
    redisUp: new Gauge({ name: 'loom_redis_up', help: '1 while connected to Redis; 0 while not, or without REDIS_URL', registers }),
    unsharedLimits: new Counter({ name: 'gateway_unshared_limit_checks_total', help: 'Limits checked by this replica alone because Redis did not answer', registers })
  }
}

const TOLD_STATUSES = new Set<number>([200, ...Object.values(statusOf)])

/** A status as a label: an upstream, which a tenant may run, chooses among hundreds of them, so that ones we do not use ourselves are told by their class. */
export function statusLabel(status: number): string {
  return TOLD_STATUSES.has(status) ? String(status) : `${Math.floor(status / 100)}xx`
}

export type Metrics = ReturnType<typeof createMetrics>
