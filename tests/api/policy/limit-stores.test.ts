import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { CounterRule } from '../../../server/policy/compile-policy'
import type { Grant, LimitStore, Refused } from '../../../server/policy/limit-store'
import { WINDOW_MS } from '../../../server/policy/limit-store'
import { MemoryLimits } from '../../../server/policy/memory-limits'
import { RedisLimits } from '../../../server/policy/redis-limits'
import type { RedisServer } from '../../support/redis'
import { hasRedis, startRedis } from '../../support/redis'
import { until } from '../../support/until'

let server: RedisServer | undefined
const clients: Redis[] = []
beforeAll(async () => {
  if (hasRedis) server = await startRedis()
})
afterAll(async () => {
  for (const client of clients) client.disconnect()
  await server?.stop()
})

function fail(cause: unknown): never {
  throw new Error('A counter could not be corrected', { cause })
}

function openRedis(): LimitStore {
  if (!server) throw new Error('Redis is not installed')
  const client = new Redis(server.url)
  clients.push(client)
  return new RedisLimits(client, fail)
}

let named = 0
const counter = (rule: CounterRule['rule'], limit: number): CounterRule => ({ rule, scope: 'key', key: `${rule}:key:${process.pid}-${named++}`, limit })
const take = (store: LimitStore, ...claims: [CounterRule, number][]) => store.take(`call-${named++}`, claims.map(([rule, amount]) => ({ rule, amount })))

function granted(answer: Grant | Refused): Grant {
  if ('settle' in answer) return answer
  throw new Error(`refused by claim ${answer.refused}`)
}

const stores: [name: string, open: () => LimitStore][] = [['in memory', () => new MemoryLimits()], ...hasRedis ? [['on Redis', openRedis] as [string, () => LimitStore]] : []]

describe.each(stores)('a limit store %s', (_, open) => {
  test('grants as many as there are, whoever races, and tells what is left', async () => {
    const [store, rule] = [open(), counter('requests_per_minute', 25)]
    const answers = await Promise.all(Array.from({ length: 100 }, () => take(store, [rule, 1])))
    expect(answers.filter(answer => 'settle' in answer)).toHaveLength(25)
    const [state] = await store.peek([rule])
    expect(state?.remaining).toBe(0)
    expect(state?.resetMs).toBeGreaterThan(0)
    expect(state?.resetMs).toBeLessThanOrEqual(WINDOW_MS)
  })

  test('takes all of a call\'s claims or none', async () => {
    const [store, requests, tokens] = [open(), counter('requests_per_minute', 10), counter('tokens_per_minute', 100)]
    granted(await take(store, [requests, 1], [tokens, 80]))
    expect(await take(store, [requests, 1], [tokens, 30])).toMatchObject({ refused: 1, states: [{ remaining: 9 }, { remaining: 20 }] })
    expect((await store.peek([requests, tokens])).map(({ remaining }) => remaining)).toEqual([9, 20])
  })

  test('corrects tokens to what was used, below the reservation and above it', async () => {
    const [store, tokens] = [open(), counter('tokens_per_minute', 100)]
    const [low, high] = [granted(await take(store, [tokens, 40])), granted(await take(store, [tokens, 40]))]
    low.settle(5)
    high.settle(70)
    await until(async () => (await store.peek([tokens]))[0]?.remaining === 25, { what: () => 'the correction' })
  })

  test('lets a call larger than the limit take all of an unused window', async () => {
    const [store, tokens] = [open(), counter('tokens_per_minute', 100)]
    granted(await take(store, [tokens, 1_000])).settle(40)
    await until(async () => (await store.peek([tokens]))[0]?.remaining === 60, { what: () => 'the correction' })
  })

  test('counts running calls until they end', async () => {
    const [store, running] = [open(), counter('max_concurrent', 2)]
    const [first] = [granted(await take(store, [running, 1])), granted(await take(store, [running, 1]))]
    expect(await take(store, [running, 1])).toMatchObject({ refused: 0, states: [{ remaining: 0, resetMs: 0 }] })
    first.settle(0)
    await until(async () => (await store.peek([running]))[0]?.remaining === 1, { what: () => 'a place' })
    granted(await take(store, [running, 1]))
  })

  test('names of several that are used up the one that is so longest', async () => {
    const [store, running, requests, tokens] = [open(), counter('max_concurrent', 1), counter('requests_per_minute', 1), counter('tokens_per_minute', 10)]
    granted(await take(store, [running, 1], [requests, 1]))
    await until(async () => ((await store.peek([requests]))[0]?.resetMs ?? 0) < WINDOW_MS - 5, { what: () => 'its minute to pass' })
    granted(await take(store, [tokens, 8]))
    expect(await take(store, [running, 1], [requests, 1], [tokens, 3])).toMatchObject({ refused: 2 })
    expect(await take(store, [tokens, 3], [requests, 1], [running, 1])).toMatchObject({ refused: 0 })
    expect(await take(store, [running, 1], [requests, 1], [tokens, 2])).toMatchObject({ refused: 1 })
    expect(await take(store, [running, 1], [tokens, 2])).toMatchObject({ refused: 0 })
  })

  test('gives a call that was refused after all everything back', async () => {
    const store = open()
    const rules = [counter('max_concurrent', 2), counter('requests_per_minute', 2), counter('tokens_per_minute', 100)]
    const left = async () => (await store.peek(rules)).map(({ remaining }) => remaining)
    const [served, refused] = [granted(await take(store, ...rules.map((rule): [CounterRule, number] => [rule, 1]))), granted(await take(store, ...rules.map((rule): [CounterRule, number] => [rule, 1])))]
    expect(await left()).toEqual([0, 0, 98])
    refused.settle(null)
    await until(async () => (await left())[0] === 1, { what: () => 'what was taken' })
    expect(await left()).toEqual([1, 1, 99])
    served.settle(30)
    await until(async () => (await left())[0] === 2, { what: () => 'the place' })
    expect(await left()).toEqual([2, 1, 70])
  })

  test('keeps callers apart', async () => {
    const [store, one, other] = [open(), counter('requests_per_minute', 1), counter('requests_per_minute', 1)]
    granted(await take(store, [one, 1]))
    granted(await take(store, [other, 1]))
    expect(await take(store, [one, 1])).toMatchObject({ refused: 0 })
  })

  test('takes a limit lowered below what is used as used up', async () => {
    const [store, rule] = [open(), counter('requests_per_minute', 5)]
    for (let call = 0; call < 4; call++) granted(await take(store, [rule, 1]))
    expect(await take(store, [{ ...rule, limit: 2 }, 1])).toMatchObject({ refused: 0, states: [{ remaining: 0 }] })
  })
})

describe.runIf(hasRedis)('replicas that share Redis', () => {
  test('grant together exactly what there is of every kind', async () => {
    const replicas = [openRedis(), openRedis(), openRedis()]
    const rules = [counter('max_concurrent', 30), counter('requests_per_minute', 40), counter('tokens_per_minute', 200)]
    const answers = await Promise.all(Array.from({ length: 120 }, (_, index) => take(replicas[index % 3] ?? fail('no replica'), ...rules.map((rule): [CounterRule, number] => [rule, rule.rule === 'tokens_per_minute' ? 10 : 1]))))
    // 200 tokens are 20 calls of 10, the strictest of the three.
    expect(answers.filter(answer => 'settle' in answer)).toHaveLength(20)
    expect((await replicas[0]?.peek(rules))?.map(({ remaining }) => remaining)).toEqual([10, 20, 0])
  })

  test('a running call of a replica that died gives its place back by itself', async () => {
    const [store, running] = [openRedis(), counter('max_concurrent', 1)]
    granted(await take(store, [running, 1]))
    const client = clients.at(-1)
    const ttl = await client?.pttl(`loom:limit:${running.key}`)
    expect(ttl).toBeGreaterThan(0)
    expect(ttl).toBeLessThanOrEqual(30_000)
  })

  test('a call that ends while its place is renewed, at a Redis that forgot its scripts, does not take it again', async () => {
    vi.useFakeTimers({ toFake: ['setInterval'] })
    try {
      const [store, running] = [openRedis(), counter('max_concurrent', 1)]
      const call = granted(await take(store, [running, 1]))
      await clients.at(-1)?.script('FLUSH')
      vi.advanceTimersByTime(10_000)
      call.settle(0)
      await store.peek([running])
      expect(await store.peek([running])).toMatchObject([{ remaining: 1 }])
    } finally {
      vi.useRealTimers()
    }
  })

  test('a Redis that forgot its scripts is told them again', async () => {
    const [store, rule] = [openRedis(), counter('requests_per_minute', 2)]
    granted(await take(store, [rule, 1]))
    await clients.at(-1)?.script('FLUSH')
    granted(await take(store, [rule, 1]))
    expect(await take(store, [rule, 1])).toMatchObject({ refused: 0 })
  })
})
