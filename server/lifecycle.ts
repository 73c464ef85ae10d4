import { v7 as uuidv7 } from 'uuid'
import { ensureTracePartitions, TRACE_MONTHS_AHEAD } from '../db/ensure-trace-partitions'
import { writeTagsAtOnce } from '../db/write-tags-at-once'
import { connectDatabase } from '../db/connect-database'
import { readMigrations } from '../db/read-migrations'
import type { ReadMigrationFile } from '../db/read-migrations'
import { version } from '../package.json'
import { AlertDeliverer } from './alerts/deliver-alerts'
import { AlertsJob } from './alerts/evaluate-alerts'
import { forgetAlerts } from './alerts/forget-alerts'
import { openMailer } from './alerts/mailer'
import { WebhookSender } from './alerts/send-webhook'
import { mergeUsage, reclaimPending } from './analytics/merge-usage'
import { forgetBudgetWindows } from './billing/forget-budget-windows'
import { settleAbandonedHolds } from './billing/settle-abandoned-holds'
import { AnswerCache } from './cache/answer-cache'
import { openMemoryStore } from './cache/memory-store'
import { openRedisStore } from './cache/redis-store'
import { openCatalog } from './catalog/catalog'
import { ensurePlatformConnections } from './catalog/platform-connections'
import { listenForAnswers } from './chat/answer-signals'
import { listenForDecisions } from './chat/decide-tool'
import { ConversationFeed } from './chat/conversation-feed'
import { EventLog } from './chat/event-log'
import { stopFollowing } from './chat/follow-answer'
import { drainAnswers, findRunningMessage } from './chat/running-answers'
import { reportFailure } from './chat/report-failure'
import { settleInterrupted } from './chat/settle-interrupted'
import { listenForStops } from './chat/stop-answer'
import type { Config } from './config'
import { readConfig } from './config'
import { openKeyring } from './crypto/keyring'
import { requireSameKey } from './crypto/require-same-key'
import { openFileStore } from './files/file-store'
import { purgeConversations } from './chat/purge-conversations'
import { purgeProjectFiles } from './files/purge-project-files'
import { sweepFiles } from './files/sweep-files'
import { loadTokenizer } from './gateway/count-tokens'
import { Gateway } from './gateway/gateway'
import { forgetGivenIds } from './gateway/given-ids'
import { sweepAttempts } from './identity/attempt-counts'
import { createAuth } from './identity/auth'
import { isOwnAuthSecret } from './identity/auth-secret'
import { SingleSignOn } from './identity/single-sign-on'
import { ExpiringKeysWatch } from './keys/watch-expiring-keys'
import { prepareSetup } from './identity/setup'
import { awaitListening } from './operations/await-listening'
import { BackgroundJobs } from './operations/background-jobs'
import { boundClients } from './operations/bound-clients'
import { afterLastWorker, forDevWorker } from './operations/dev-worker'
import { createLog } from './operations/log'
import { connectRedis, waitForRedis } from './operations/connect-redis'
import { createMetrics } from './operations/metrics'
import { beat, forgetReplicas, registerReplica, unregisterReplica } from './operations/replica'
import { waitForMigrations } from './operations/wait-for-migrations'
import { openLimits } from './policy/open-limits'
import type { Runtime } from './runtime'
import { setRuntime } from './runtime'
import { RetentionJob } from './traces/apply-retention'
import { forgetRuleLists } from './traces/rule-lists'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS

/** What a stop has, beyond the time of answers and calls, to end those that have not and to write everything down. */
const SETTLE_MS = 10_000

let starting: Promise<Runtime> | undefined
/** The end of what runs, once the signal to stop has come. */
let ending: Promise<void> | undefined
let closeAlerts: (() => Promise<void>) | undefined

/** The runtime once the start is complete; rejects when the start failed. */
export function started(): Promise<Runtime> {
  if (!starting) throw new Error('Loom was not told to start')
  return starting
}

/** The one place where long-lived resources are made. */
export function start(environment: Record<string, string | undefined>, readMigrationFile: ReadMigrationFile): Promise<Runtime> {
  starting = startServing(environment, readMigrationFile)
  return starting
}

/** Whoever started it is told where it is only once it is there: the set-up link must not lead to somebody else's server. */
async function startServing(environment: Record<string, string | undefined>, readMigrationFile: ReadMigrationFile): Promise<Runtime> {
  // Where this is a worker behind Nuxt's own server, in development.
  const worker = environment.NITRO_DEV_WORKER_ID
  const config = worker === undefined ? readConfig(environment) : forDevWorker(readConfig(environment), worker)
  // Nitro reads it after its plugins: how long it waits for open connections, and then for `stop`.
  environment.NITRO_SHUTDOWN_TIMEOUT = String(config.SHUTDOWN_TIMEOUT_MS + SETTLE_MS)
  const [runtime, port] = await Promise.all([
    makeRuntime(config, readMigrationFile, worker === undefined ? open => open() : afterLastWorker),
    awaitListening(server => boundClients(server, config)),
    loadTokenizer()
  ])
  // A worker's port is nobody's to open.
  await announce(runtime, worker === undefined ? port : undefined)
  return runtime
}

/** At the signal to stop, ahead of it: Nitro waits for open connections first, and who only listens would hold it up. */
export async function beginStop(): Promise<void> {
  const runtime = await starting
  if (!runtime) return
  runtime.stopping = true
  runtime.conversationFeed.close()
  stopFollowing()
  await (ending ??= endCalls(runtime))
}

/** Lets answers and calls finish for `SHUTDOWN_TIMEOUT_MS`, then ends them with what they have. Answers first: they tell their calls why. */
async function endCalls({ config, gateway }: Runtime): Promise<void> {
  const deadline = performance.now() + config.SHUTDOWN_TIMEOUT_MS
  await drainAnswers(config.SHUTDOWN_TIMEOUT_MS)
  await gateway.running.finish(Math.max(0, deadline - performance.now()))
}

/** The one place where they are closed: what runs finishes, batches flush, then the database closes. */
export async function stop(): Promise<void> {
  const runtime = await starting
  if (!runtime) return
  runtime.stopping = true
  await (ending ??= endCalls(runtime))
  // What began since, on a connection that was open: nobody has waited for it.
  await drainAnswers(0)
  await runtime.jobs.stop()
  await closeAlerts?.()
  runtime.mailer?.close()
  await runtime.gateway.stop()
  await runtime.limits.close()
  runtime.redis?.disconnect()
  runtime.catalog.close()
  await unregisterReplica(runtime.db, runtime.replicaId)
  await runtime.db.close()
  setRuntime(undefined)
}

async function makeRuntime(config: Config, readMigrationFile: ReadMigrationFile, whenFree: typeof afterLastWorker): Promise<Runtime> {
  const metrics = createMetrics()
  const log = createLog(config, metrics)
  const keyring = openKeyring(config)
  const db = await whenFree(() => connectDatabase(config, readMigrationFile, {
    onSilence: (error) => {
      metrics.failures.inc({ what: 'database_silent' })
      log.error({ err: error }, 'The database has fallen silent: calls are refused until it answers again')
    },
    onAbandoned: (error) => {
      metrics.failures.inc({ what: 'database_abandoned' })
      log.warn({ err: error }, 'A transaction that was given up for want of an answer has failed; whoever asked was told so')
    }
  }))
  const migrations = await readMigrations(readMigrationFile)
  await waitForMigrations(db, migrations, log)
  await requireSameKey(db, keyring, config.ENCRYPTION_ACCEPT_NEW_KEY)
  await makePartitions({ db, log })
  const replicaId = uuidv7()
  await registerReplica(db, replicaId, version)
  await ensurePlatformConnections(db, keyring, config)
  const catalog = await openCatalog({ db, keyring, log })
  const redis = connectRedis(config, log, metrics)
  if (redis) await waitForRedis(redis)
  const limits = openLimits(redis, metrics, log)
  const store = redis ? openRedisStore(redis) : await openMemoryStore(db, config.CACHE_MAX_BYTES)
  const answers = new AnswerCache({ db, store, keyring, metrics, log })
  const gateway = new Gateway({ config, db, replicaId, catalog, keyring, limits, answers, metrics, log })
  await gateway.listen()
  await db.listen('loom_orgs', orgId => keyring.forgetOrg(orgId || undefined), () => keyring.forgetOrg(undefined))
  const eventLog = new EventLog({
    db,
    refused: messageId => findRunningMessage(messageId)?.stop('taken_over'),
    failed: (error) => {
      metrics.failures.inc({ what: 'chat_log_events' })
      log.error({ err: error }, 'What answers say could not be written down; it is tried again')
    }
  })
  const conversationFeed = new ConversationFeed({
    db,
    failed: (error) => {
      metrics.failures.inc({ what: 'chat_feed' })
      log.error({ err: error }, 'How conversations changed could not be read; their readers ask again')
    }
  })
  const runtime: Runtime = { config, log, metrics, db, migrations, keyring, auth: createAuth(config, db.orm, keyring), sso: new SingleSignOn(db.orm, keyring, config), catalog, gateway, eventLog, conversationFeed, mailer: openMailer(config), fileStore: openFileStore(config), limits, redis, replicaId, jobs: new BackgroundJobs(log, metrics), stopping: false }
  await settleHolds(runtime)
  await listenForStops(db)
  await listenForDecisions(db)
  await listenForAnswers(db)
  await conversationFeed.listen()
  await settleAnswers(runtime)
  startJobs(runtime)
  setRuntime(runtime)
  return runtime
}

async function announce({ config, db, keyring, log }: Runtime, port: number | undefined): Promise<void> {
  const url = config.APP_URL ?? `http://localhost:${port ?? config.PORT}`
  const setupUrl = await prepareSetup({ config, db }, url)
  // Without a port it is behind another server, Nuxt's own in development, which tells where that is.
  if (port !== undefined) console.info(`Loom is ready: ${url}`)
  // The one secret ever printed, for whoever started this. It is worth nothing once used.
  if (setupUrl) console.info(`Set up Loom: ${setupUrl}`)
  // Not to the log, whose level may hide them: who does not know it loses data.
  if (keyring.generated) console.warn('Warning: ENCRYPTION_MASTER_KEY is not set: the key in the data directory is used. Back it up, for without it secrets and traces cannot be read; several replicas must share one.')
  if (db.kind === 'postgres' && isOwnAuthSecret(config)) console.warn('Warning: AUTH_SECRET is not set: the one that an earlier version made in the data directory (auth-secret) is used. Several replicas must share one: set AUTH_SECRET to what that file holds.')
  if (db.kind === 'embedded') log.warn('The embedded database is used: fine for one machine, but a power cut may lose the last seconds. Set DATABASE_URL to use PostgreSQL.')
}

function startJobs(runtime: Runtime): void {
  const { db, config, gateway, jobs, log, metrics, replicaId } = runtime
  const retention = new RetentionJob(db, metrics, log)
  const expiringKeys = new ExpiringKeysWatch(db, metrics, log)
  const alerts = new AlertsJob(db, gateway.health, config.ALERTS_INTERVAL_MS, log)
  const deliverer = openDeliverer(runtime)
  jobs.every(config.REPLICA_TIMEOUT_MS / 4, 'heartbeat', () => beat(db, replicaId, version))
  jobs.every(config.REPLICA_TIMEOUT_MS / 2, 'settle_holds', () => settleHolds(runtime))
  jobs.every(config.REPLICA_TIMEOUT_MS / 2, 'settle_answers', () => settleAnswers(runtime))
  jobs.every(config.REPLICA_TIMEOUT_MS, 'idempotency', () => gateway.replays.sweep())
  jobs.every(1_000, 'idle_leases', async () => gateway.budget.closeIdleLeases())
  jobs.every(2_000, 'merge_usage', () => mergeUsage(db))
  if (db.kind === 'embedded') jobs.every(MINUTE_MS, 'reclaim_pending', () => reclaimPending(db))
  jobs.every(MINUTE_MS / 2, 'key_use', () => gateway.authenticator.recordUse())
  jobs.every(10 * MINUTE_MS, 'attempts', () => sweepAttempts(db.orm))
  jobs.every(HOUR_MS, 'trace_partitions', () => makePartitions(runtime))
  jobs.every(10 * MINUTE_MS, 'retention', () => retention.run())
  jobs.every(HOUR_MS, 'sweep_files', () => sweepFiles(runtime))
  jobs.every(HOUR_MS, 'purge_conversations', () => purgeConversations(runtime))
  jobs.every(HOUR_MS, 'purge_project_files', () => purgeProjectFiles(runtime))
  jobs.every(HOUR_MS, 'expiring_keys', () => expiringKeys.look())
  jobs.every(config.ALERTS_INTERVAL_MS, 'alerts', () => alerts.run())
  jobs.every(config.ALERTS_INTERVAL_MS / 3, 'alert_deliveries', () => deliverer.run())
  jobs.every(HOUR_MS, 'forget_alerts', () => forgetAlerts(db))
  jobs.every(DAY_MS, 'forget_budget_windows', () => forgetBudgetWindows(db))
  jobs.every(HOUR_MS, 'forget_given_ids', () => forgetGivenIds(db))
  jobs.every(HOUR_MS, 'forget_rule_lists', () => forgetRuleLists(db))
  jobs.every(DAY_MS, 'forget_replicas', () => forgetReplicas(db))
}

/** Months ahead of the traces that belong there, so that one which is put off waits for nothing. */
async function makePartitions({ db, log }: Pick<Runtime, 'db' | 'log'>): Promise<void> {
  const { putOff } = await ensureTracePartitions(db, TRACE_MONTHS_AHEAD)
  if (putOff.length > 0) log.info({ months: putOff }, 'Traces are being read, or another replica makes the partitions of months to come; they are made at the next run')
  const inUse = await writeTagsAtOnce(db)
  if (inUse.length > 0) log.info({ indexes: inUse }, 'Indexes of tags are in use; they are changed at the next run')
}

function openDeliverer({ db, keyring, log, mailer, metrics }: Runtime): AlertDeliverer {
  const webhooks = new WebhookSender()
  closeAlerts = () => webhooks.close()
  return new AlertDeliverer({ db, keyring, webhooks, mailer, metrics, log })
}

async function settleHolds({ db, config, gateway, log, metrics, replicaId }: Runtime): Promise<void> {
  const settled = await settleAbandonedHolds(db, config.REPLICA_TIMEOUT_MS, { replicaId, open: gateway.budget.open })
  if (settled === 0) return
  metrics.expiredHolds.inc(settled)
  log.warn({ settled }, 'Abandoned holds were given back')
}

async function settleAnswers(runtime: Runtime): Promise<void> {
  const { db, config, log } = runtime
  const settled = await settleInterrupted(db, config.REPLICA_TIMEOUT_MS, (error, context) => reportFailure(runtime, 'chat_settle', error, context))
  if (settled > 0) log.warn({ settled }, 'Answers of a process that is gone were settled as interrupted')
}
