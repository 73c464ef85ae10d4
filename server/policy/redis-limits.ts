import { createHash } from 'node:crypto'
import type { Redis } from 'ioredis'
import { z } from 'zod'
import type { CounterRule } from './compile-policy'
import type { Claim, CounterState, Grant, LimitStore, Refused } from './limit-store'
import { clamp, findLastToFit, WINDOW_MS } from './limit-store'

/** A running call is forgotten after so long without news of it: its process is gone. */
const LEASE_MS = 30_000
const RENEW_MS = LEASE_MS / 3
const PREFIX = 'loom:limit:'

/**
 * Takes what a call asks of all its counters, or nothing; by Redis's own clock, so that replicas agree on windows.
 * ARGV: call id, lease ms, window ms, then for each key: kind (c running calls, w window), limit, amount (0 only looks).
 * Answers: index of the first that does not fit (0: none), the time, then for each key: used, start of its window.
 */
const TAKE = script(`
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local lease, window = tonumber(ARGV[2]), tonumber(ARGV[3])
local used, starts, refused = {}, {}, 0
for i, key in ipairs(KEYS) do
  local kind, limit, amount = ARGV[3 * i + 1], tonumber(ARGV[3 * i + 2]), tonumber(ARGV[3 * i + 3])
  if kind == 'c' then
    redis.call('ZREMRANGEBYSCORE', key, '-inf', now)
    used[i], starts[i] = redis.call('ZCARD', key), 0
  else
    local known = redis.call('HMGET', key, 'start', 'used')
    local start = tonumber(known[1])
    if start and now - start < window then used[i], starts[i] = tonumber(known[2]), start else used[i], starts[i] = 0, now end
  end
  if refused == 0 and amount > 0 and used[i] + amount > limit then refused = i end
end
if refused == 0 then
  for i, key in ipairs(KEYS) do
    local amount = tonumber(ARGV[3 * i + 3])
    if amount > 0 then
      used[i] = used[i] + amount
      if ARGV[3 * i + 1] == 'c' then
        redis.call('ZADD', key, now + lease, ARGV[1])
        redis.call('PEXPIRE', key, lease)
      else
        redis.call('HSET', key, 'start', starts[i], 'used', used[i])
        redis.call('PEXPIRE', key, starts[i] + window - now)
      end
    end
  end
end
local answer = { refused, now }
for i in ipairs(KEYS) do
  answer[#answer + 1] = used[i]
  answer[#answer + 1] = starts[i]
end
return answer
`)

/** ARGV: call id, then for each key: kind, start of the window, correction. */
const SETTLE = `
for i, key in ipairs(KEYS) do
  if ARGV[3 * i - 1] == 'c' then
    redis.call('ZREM', key, ARGV[1])
  elseif redis.call('HGET', key, 'start') == ARGV[3 * i] then
    redis.call('HINCRBY', key, 'used', ARGV[3 * i + 1])
  end
end
`

/** ARGV: lease ms, then for each key the id of a call running under it. */
const RENEW = `
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
for i, key in ipairs(KEYS) do
  redis.call('ZADD', key, now + ARGV[1], ARGV[i + 1])
  redis.call('PEXPIRE', key, ARGV[1])
end
`

const Answer = z.array(z.number())

/** Counts the calls of all replicas, exactly: each call is one script, which Redis runs alone. */
export class RedisLimits implements LimitStore {
  private readonly running = new Map<string, readonly string[]>()
  private readonly renewal: NodeJS.Timeout

  /** @param report told of what goes wrong after a call: counters heal by themselves, windows end and leases run out */
  constructor(private readonly redis: Redis, private readonly report: (cause: unknown) => void) {
    this.renewal = setInterval(() => void this.renew().catch(report), RENEW_MS).unref()
  }

  async take(callId: string, claims: readonly Claim[]): Promise<Grant | Refused> {
    const keys = claims.map(({ rule }) => PREFIX + rule.key)
    const { refused, starts, states } = await this.run(callId, claims.map(({ rule }) => rule), claims.map(clamp))
    if (refused !== undefined) return { refused: findLastToFit(claims, states) ?? refused, states }
    const slots = keys.filter((_, index) => claims[index]?.rule.rule === 'max_concurrent')
    if (slots.length > 0) this.running.set(callId, slots)
    return { states, settle: usedTokens => this.settle(callId, claims, starts, usedTokens) }
  }

  async peek(rules: readonly CounterRule[]): Promise<readonly CounterState[]> {
    return (await this.run('', rules, rules.map(() => 0))).states
  }

  close(): Promise<void> {
    clearInterval(this.renewal)
    return Promise.resolve()
  }

  private async run(callId: string, rules: readonly CounterRule[], amounts: readonly number[]) {
    const parameters = rules.flatMap((rule, index) => [kindOf(rule), rule.limit, amounts[index] ?? 0])
    const [refused = 0, now = 0, ...counters] = Answer.parse(await evaluate(this.redis, TAKE, rules.map(({ key }) => PREFIX + key), [callId, LEASE_MS, WINDOW_MS, ...parameters]))
    const starts = rules.map((_, index) => counters[2 * index + 1] ?? 0)
    const states = rules.map((rule, index) => ({
      remaining: Math.max(0, rule.limit - (counters[2 * index] ?? 0)),
      resetMs: rule.rule === 'max_concurrent' ? 0 : Math.max(0, (starts[index] ?? 0) + WINDOW_MS - now)
    }))
    return { refused: refused === 0 ? undefined : refused - 1, starts, states }
  }

  private settle(callId: string, claims: readonly Claim[], starts: readonly number[], usedTokens: number | null): void {
    this.running.delete(callId)
    const corrections = claims.flatMap((claim, index) => {
      const { rule } = claim
      if (rule.rule === 'requests_per_minute' && usedTokens !== null) return []
      return [{ key: PREFIX + rule.key, parameters: [kindOf(rule), starts[index] ?? 0, (usedTokens ?? 0) - clamp(claim)] }]
    })
    if (corrections.length === 0) return
    // Whole, not by its digest: where Redis does not know it yet, the caller's next call would be judged before the second attempt gave the place of this one back.
    this.redis.eval(SETTLE, corrections.length, ...corrections.map(({ key }) => key), callId, ...corrections.flatMap(({ parameters }) => parameters)).catch(this.report)
  }

  private async renew(): Promise<void> {
    const slots = [...this.running].flatMap(([callId, keys]) => keys.map(key => ({ callId, key })))
    // Whole, as when it is settled: by the second attempt a call of the list may be over, and would take its place again.
    if (slots.length > 0) await this.redis.eval(RENEW, slots.length, ...slots.map(({ key }) => key), LEASE_MS, ...slots.map(({ callId }) => callId))
  }
}

const kindOf = ({ rule }: CounterRule) => rule === 'max_concurrent' ? 'c' : 'w'

interface Script { text: string, sha: string }

function script(text: string): Script {
  return { text, sha: createHash('sha1').update(text).digest('hex') }
}

/** By its digest, and whole where Redis does not know it (any more). */
async function evaluate(redis: Redis, { text, sha }: Script, keys: readonly string[], parameters: readonly (string | number)[]): Promise<unknown> {
  try {
    return await redis.evalsha(sha, keys.length, ...keys, ...parameters)
  } catch (error) {
    if (!(error instanceof Error && error.message.startsWith('NOSCRIPT'))) throw error
    return await redis.eval(text, keys.length, ...keys, ...parameters)
  }
}
