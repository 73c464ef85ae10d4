import type { Redis } from 'ioredis'
import type { Log } from '../operations/log'
import type { Metrics } from '../operations/metrics'
import type { LimitStore } from './limit-store'
import { MemoryLimits } from './memory-limits'
import { RedisLimits } from './redis-limits'
import { ResilientLimits } from './resilient-limits'

/** What counts calls: Redis for all replicas together where there is one, else this process alone. */
export function openLimits(redis: Redis | undefined, metrics: Metrics, log: Log): LimitStore {
  const own = new MemoryLimits()
  if (!redis) return own
  const shared = new RedisLimits(redis, (cause) => {
    metrics.failures.inc({ what: 'redis_limits' })
    log.warn({ err: cause }, 'Limits on Redis could not be corrected after a call')
  })
  return new ResilientLimits(shared, own, redis, metrics, log)
}
