import type { Redis } from 'ioredis'
import type { AnswerStore } from './answer-store'

const GENERATION_BYTES = 8

/**
 * On Redis, for all replicas. A purge raises the org's generation, which each answer carries: whatever is older is no answer any more, and
 * Redis forgets it in its time. The braces keep an org's keys on one node of a cluster.
 */
export function openRedisStore(redis: Redis): AnswerStore {
  const generationOf = (orgId: string) => `loom:cache:{${orgId}}:generation`
  const nameOf = (orgId: string, name: string) => `loom:cache:{${orgId}}:${name}`
  return {
    generation: async orgId => toGeneration(await redis.getBuffer(generationOf(orgId))),
    async get(orgId, name) {
      const [generation, stored] = await redis.mgetBuffer(generationOf(orgId), nameOf(orgId, name))
      const current = toGeneration(generation)
      return { value: stored && stored.readBigUInt64BE(0) === current ? stored.subarray(GENERATION_BYTES) : undefined, generation: current }
    },
    async set(orgId, name, value, ttlSeconds, generation) {
      const prefix = Buffer.alloc(GENERATION_BYTES)
      prefix.writeBigUInt64BE(generation)
      await redis.set(nameOf(orgId, name), Buffer.concat([prefix, value]), 'EX', ttlSeconds)
    },
    async purge(orgId) {
      await redis.incr(generationOf(orgId))
    }
  }
}

function toGeneration(stored: Buffer | null | undefined): bigint {
  return BigInt(stored?.toString() ?? '0')
}
