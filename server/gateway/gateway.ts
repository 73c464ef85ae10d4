import type { Database } from '../../db/client'
import type { AnswerCache } from '../cache/answer-cache'
import type { Catalog } from '../catalog/catalog'
import type { Config } from '../config'
import type { Keyring } from '../crypto/keyring'
import type { LoomError } from '../errors'
import { GuessLimit } from '../keys/guess-limit'
import type { CallTracing } from '../operations/call-tracing'
import { openCallTracing } from '../operations/call-tracing'
import type { Log } from '../operations/log'
import { findRootCause } from '../operations/loggable-error'
import type { RootCause } from '../operations/loggable-error'
import type { Metrics } from '../operations/metrics'
import { statusLabel } from '../operations/metrics'
import type { LimitStore } from '../policy/limit-store'
import { PolicyGate } from './apply-policy'
import { Authenticator } from './authenticate'
import { Capturer } from './capture'
import { EarlierCalls } from './earlier-calls'
import { BudgetHolder } from './hold-budget'
import type { CallContext, CallOutcome } from './call-context'
import { Replays } from '../idempotency/replays'
import { LatencyBoard } from './latency-board'
import { RunningCalls } from './running-calls'
import { TargetHealth } from './target-health'
import { UpstreamPools } from './transport'

interface Parts { config: Config, db: Database, replicaId: string, catalog: Catalog, keyring: Keyring, limits: LimitStore, answers: AnswerCache, metrics: Metrics, log: Log }

/** The road's long-lived parts. Made at start, stopped at stop. */
export class Gateway {
  readonly config: Config
  private readonly db: Database
  readonly catalog: Catalog
  readonly keyring: Keyring
  readonly metrics: Metrics
  readonly log: Log
  /** For the line of every call, whose fields are ours: looking through each of them for secrets took a third of all memory a call uses. */
  private readonly callLog: Log
  /** Wrong API keys by address, of `/v1` and `/api` alike. */
  readonly guesses: GuessLimit
  readonly authenticator: Authenticator
  readonly policy: PolicyGate
  readonly health = new TargetHealth()
  readonly latencies = new LatencyBoard()
  readonly budget: BudgetHolder
  readonly capturer: Capturer
  readonly pools: UpstreamPools
  readonly replays: Replays
  readonly running: RunningCalls
  readonly answers: AnswerCache
  /** Undefined unless a collector is configured. */
  readonly tracing: CallTracing | undefined

  constructor({ config, db, replicaId, catalog, keyring, limits, answers, metrics, log }: Parts) {
    this.config = config
    this.db = db
    this.catalog = catalog
    this.keyring = keyring
    this.metrics = metrics
    this.log = log
    this.running = new RunningCalls(metrics)
    this.callLog = log.child({}, { redact: [] })
    this.guesses = new GuessLimit(config.AUTH_FAILURES_PER_MINUTE)
    this.authenticator = new Authenticator(db, this.guesses)
    this.policy = new PolicyGate(limits)
    this.budget = new BudgetHolder(db, replicaId, metrics, log)
    this.capturer = new Capturer(db, replicaId, metrics, log, this.budget)
    this.pools = new UpstreamPools(config)
    this.answers = answers
    this.replays = new Replays({ db, keyring, replicaId, replicaTimeoutMs: config.REPLICA_TIMEOUT_MS, patienceMs: config.UPSTREAM_TOTAL_TIMEOUT_MS, openHolds: this.budget.open })
    this.tracing = openCallTracing(config, log, metrics)
  }

  /** Hears of changes that other replicas make. */
  async listen(): Promise<void> {
    await this.authenticator.listen()
    await this.budget.listen()
  }

  /** What was asked and answered before a call that may be made: with its own body no more of it than a body may have. */
  earlierCalls({ caller, operation, request, ip, abort }: Pick<CallContext, 'caller' | 'operation' | 'request' | 'ip'> & Partial<Pick<CallContext, 'abort'>>): EarlierCalls {
    return new EarlierCalls(this.db, this.keyring, caller, {
      maxBytes: this.config.MAX_BODY_BYTES - request.raw.length,
      areKept: caller.traceBodies,
      admit: () => this.policy.requireRoom(caller, { scope: operation.scope, ip }),
      signal: abort?.signal
    })
  }

  /** Counts and logs one finished call: one line, no bodies. */
  observe({ requestId, endpoint, caller, request, traceContext }: CallContext, { head, error, latencyMs, ttfbMs, usage, costNanoUsd }: CallOutcome): void {
    const { metrics } = this
    const { provider } = head
    const status = error?.status ?? 200
    metrics.requests.inc({ endpoint, provider, status: statusLabel(status) })
    metrics.duration.observe({ endpoint, provider }, latencyMs / 1000)
    metrics.overhead.observe({ endpoint }, head.overheadMs / 1000)
    if (ttfbMs !== null) metrics.ttft.observe({ endpoint, provider }, ttfbMs / 1000)
    // What the cache gave for nothing was charged to nobody.
    if (head.cache !== 'hit' || costNanoUsd > 0n) {
      metrics.tokens.inc({ provider, direction: 'input' }, usage.inputTokens)
      metrics.tokens.inc({ provider, direction: 'output' }, usage.outputTokens)
    }
    metrics.cost.inc({ provider }, Number(costNanoUsd) / 1e9)
    this.callLog.info({
      requestId, traceId: traceContext?.traceId, endpoint, status, error: error?.code, cause: this.countUnserved(error), orgId: caller.orgId, keyId: caller.apiKeyId, provider, model: head.model, stream: request.stream,
      attempts: head.attempts, latencyMs: Math.round(latencyMs), ttfbMs: ttfbMs === null ? null : Math.round(ttfbMs), overheadMs: Math.round(head.overheadMs * 100) / 100,
      inputTokens: usage.inputTokens, outputTokens: usage.outputTokens, costNanoUsd: costNanoUsd.toString()
    }, 'call')
  }

  /** Counts a call to which the database or the cache did not answer, and tells why, for its line; undefined for any other. */
  countUnserved(error: LoomError | null): RootCause | undefined {
    if (error?.code !== 'service_unavailable' || error.cause === undefined) return undefined
    this.metrics.unserved.inc()
    return findRootCause(error.cause)
  }

  /** Ends what calls there still are, lets holds and captures under way finish, then closes the upstream connections. */
  async stop(): Promise<void> {
    await this.running.stop()
    await this.budget.drain()
    await this.capturer.stop()
    await this.budget.stop()
    await this.authenticator.recordUse()
    await this.pools.close()
    await this.tracing?.close()
  }
}
