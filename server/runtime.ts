import type { Redis } from 'ioredis'
import type { Database } from '../db/client'
import type { Migration } from '../db/read-migrations'
import type { Mailer } from './alerts/mailer'
import type { Catalog } from './catalog/catalog'
import type { ConversationFeed } from './chat/conversation-feed'
import type { EventLog } from './chat/event-log'
import type { Config } from './config'
import type { Keyring } from './crypto/keyring'
import type { FileStore } from './files/file-store'
import type { Gateway } from './gateway/gateway'
import type { Auth } from './identity/auth'
import type { SingleSignOn } from './identity/single-sign-on'
import type { BackgroundJobs } from './operations/background-jobs'
import type { Log } from './operations/log'
import type { Metrics } from './operations/metrics'
import type { LimitStore } from './policy/limit-store'

/** The long-lived resources of the process. `lifecycle.ts` makes them at start and closes them at stop; handlers reach them here. */
export interface Runtime {
  config: Config
  log: Log
  metrics: Metrics
  db: Database
  /** What this version's schema is made of. */
  migrations: readonly Migration[]
  /** The keys bodies and provider secrets are sealed with. */
  keyring: Keyring
  /** Sign-in and sessions. */
  auth: Auth
  /** Signing in at an identity provider, where that is set up. */
  sso: SingleSignOn
  catalog: Catalog
  gateway: Gateway
  /** What counts running calls and calls a minute. */
  limits: LimitStore
  /** Undefined without `REDIS_URL`; may be disconnected at any moment. */
  redis: Redis | undefined
  /** What the answers of this process say, as they say it. */
  eventLog: EventLog
  /** Who looks at which project. */
  conversationFeed: ConversationFeed
  /** Undefined without `SMTP_URL`. */
  mailer: Mailer | undefined
  /** The bytes of files and artifacts. */
  fileStore: FileStore
  /** This process in the `replicas` table. */
  replicaId: string
  /** What this process does now and then. */
  jobs: BackgroundJobs
  /** The process got its stop signal: it finishes what runs and takes nothing new. */
  stopping: boolean
}

let current: Runtime | undefined

/** @throws {Error} before the start has finished */
export function useRuntime(): Runtime {
  if (!current) throw new Error('Loom has not started yet')
  return current
}

export function setRuntime(runtime: Runtime | undefined): void {
  current = runtime
}
