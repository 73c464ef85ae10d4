import { Redis } from 'ioredis'
import type { Config } from '../config'
import type { Log } from './log'
import type { Metrics } from './metrics'

/** Nothing on the road waits longer than this for Redis. */
const COMMAND_TIMEOUT_MS = 250
const CONNECT_TIMEOUT_MS = 2_000
const MAX_RECONNECT_PAUSE_MS = 1_000

/**
 * The process's connection to Redis, or undefined without `REDIS_URL`. It connects by itself, and again after a loss; while it
 * is not connected every command fails at once, so whoever uses it must be able to do without.
 */
export function connectRedis(config: Pick<Config, 'REDIS_URL'>, log: Log, metrics: Metrics): Redis | undefined {
  if (config.REDIS_URL === undefined) return undefined
  const redis = new Redis(config.REDIS_URL, {
    commandTimeout: COMMAND_TIMEOUT_MS,
    connectTimeout: CONNECT_TIMEOUT_MS,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    // Its address may lead to another by now. A script says so at the end of its error in Redis 6.
    reconnectOnError: error => error.message.includes('READONLY'),
    retryStrategy: times => Math.min(50 * 2 ** times, MAX_RECONNECT_PAUSE_MS)
  })
  let isLost = false
  metrics.redisUp.set(0)
  redis.on('ready', () => {
    metrics.redisUp.set(1)
    if (isLost) log.info('Redis is back')
    isLost = false
  })
  redis.on('close', () => {
    metrics.redisUp.set(0)
    if (isLost) return
    isLost = true
    metrics.failures.inc({ what: 'redis' })
    log.error('Redis is gone: limits are counted by each replica alone until it is back')
  })
  // Each failed attempt to connect is one; the loss was told once.
  redis.on('error', cause => log.debug({ err: cause }, 'Redis cannot be reached'))
  return redis
}

/** Resolves once it is connected, or after a while: the start does not wait for it longer. */
export async function waitForRedis(redis: Redis): Promise<void> {
  if (redis.status === 'ready') return
  await new Promise<void>((resolve) => {
    const timer = setTimeout(settle, CONNECT_TIMEOUT_MS)
    function settle() {
      clearTimeout(timer)
      redis.off('ready', settle)
      resolve()
    }
    redis.on('ready', settle)
  })
}
