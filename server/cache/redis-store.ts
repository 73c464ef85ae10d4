import { randomBytes } from 'node:crypto'
import type { Redis } from 'ioredis'
import type { AnswerStore } from './answer-store'

const GENERATION_BYTES = 8

/**
 * On Redis, for all replicas. An org has a generation, which each of its answers carries, and a purge gives it another: whatever is older is no
 * answer any more, and Redis forgets it in its time. Generations are random, so that none comes again: Redis may forget an org's, too. The
 * braces keep an org's keys on one node of a cluster.
 */
export function openRedisStore(redis: Redis): AnswerStore {
  const generationOf = (orgId: string) => `loom:cache:{${orgId}}:generation`
  const nameOf = (orgId: string, name: string) => `loom:cache:{${orgId}}:${name}`
  /** A new generation, unless another call has just begun one. */
  const begin = async (orgId: string) => {
    const fresh = newGeneration()
    const isOurs = await redis.set(generationOf(orgId), String(fresh), 'NX')
    return isOurs ? fresh : toGeneration(await redis.getBuffer(generationOf(orgId))) ?? fresh
  }
  return {
    generation: async orgId => toGeneration(await redis.getBuffer(generationOf(orgId))) ?? begin(orgId),
    async get(orgId, name) {
      const [generation, stored] = await redis.mgetBuffer(generationOf(orgId), nameOf(orgId, name))
      const current = toGeneration(generation)
      if (current === undefined) return { value: undefined, generation: await begin(orgId) }
      return { value: stored && stored.readBigUInt64BE(0) === current ? stored.subarray(GENERATION_BYTES) : undefined, generation: current }
    },
    async set(orgId, name, value, ttlSeconds, generation) {
      const prefix = Buffer.alloc(GENERATION_BYTES)
      prefix.writeBigUInt64BE(generation)
      await redis.set(nameOf(orgId, name), Buffer.concat([prefix, value]), 'EX', ttlSeconds)
    },
    async purge(orgId) {
      await redis.set(generationOf(orgId), String(newGeneration()))
    }
  }
}

function newGeneration(): bigint {
  return randomBytes(GENERATION_BYTES).readBigUInt64BE()
}

/** Undefined where Redis knows of none. */
function toGeneration(stored: Buffer | null | undefined): bigint | undefined {
  return stored ? BigInt(stored.toString()) : undefined
}
