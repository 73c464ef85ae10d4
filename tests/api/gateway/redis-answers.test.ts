import { Redis } from 'ioredis'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { AnswerStore } from '../../../server/cache/answer-store'
import { openRedisStore } from '../../../server/cache/redis-store'
import type { RedisServer } from '../../support/redis'
import { hasRedis, startRedis } from '../../support/redis'

describe.runIf(hasRedis)('answers in Redis', () => {
  let server: RedisServer
  let redis: Redis
  let store: AnswerStore

  beforeAll(async () => {
    server = await startRedis()
    redis = new Redis(server.url)
    store = openRedisStore(redis)
  })
  beforeEach(() => redis.flushall())
  afterAll(async () => {
    redis.disconnect()
    await server.stop()
  })

  const keep = async (value: string) => store.set('org', 'name', Buffer.from(value), 60, await store.generation('org'))
  const find = async () => (await store.get('org', 'name')).value?.toString()
  /** As Redis does when it is full. */
  const evict = () => redis.del('loom:cache:{org}:generation')

  test('are found until they are purged', async () => {
    expect(await find()).toBeUndefined()
    await keep('first')
    expect(await find()).toBe('first')
    await store.purge('org')
    expect(await find()).toBeUndefined()
    await keep('second')
    expect(await find()).toBe('second')
  })

  test('that were purged do not come back when Redis forgets that they were', async () => {
    await keep('purged')
    await store.purge('org')
    await evict()
    expect(await find()).toBeUndefined()
    await store.purge('org')
    expect(await find()).toBeUndefined()
  })

  test('that were purged do not come back when a Redis that takes over never heard of it, and another purge follows', async () => {
    await store.purge('org')
    const before = await redis.getBuffer('loom:cache:{org}:generation')
    await store.purge('org')
    await keep('purged')
    if (before) await redis.set('loom:cache:{org}:generation', before)
    await store.purge('org')
    expect(await find()).toBeUndefined()
  })

  test('are kept under one generation by calls that begin it at once', async () => {
    const generations = await Promise.all(Array.from({ length: 10 }, () => store.generation('org')))
    expect(new Set(generations).size).toBe(1)
  })

  test('that were asked for before a purge are not kept after it', async () => {
    const generation = await store.generation('org')
    await store.purge('org')
    await store.set('org', 'name', Buffer.from('late'), 60, generation)
    expect(await find()).toBeUndefined()
  })
})
