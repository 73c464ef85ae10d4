import { LRUCache } from 'lru-cache'
import type { Database } from '../../db/client'
import type { AnswerStore } from './answer-store'

const PURGE_CHANNEL = 'loom_cache_purge'
/** No org may take more than its part, so that one cannot empty the cache of the others. */
const SHARE_PER_ORG = 0.25
const MAX_ORGS = 1_000

/** In this process alone: the least recently used goes first. Purges reach the other replicas by `NOTIFY`; one that may have missed some, for it lost the database, forgets everything. */
export async function openMemoryStore(db: Pick<Database, 'listen' | 'notify'>, maxBytes: number): Promise<AnswerStore> {
  const perOrg = Math.max(1, Math.floor(maxBytes * SHARE_PER_ORG))
  const orgs = new LRUCache<string, LRUCache<string, Buffer>>({ max: MAX_ORGS })
  const totalBytes = () => [...orgs.values()].reduce((sum, answers) => sum + answers.calculatedSize, 0)
  const purges = new Map<string, bigint>()
  let purgesOfAll = 0n
  const generationOf = (orgId: string) => purgesOfAll + (purges.get(orgId) ?? 0n)
  const forget = (orgId: string) => {
    purges.set(orgId, (purges.get(orgId) ?? 0n) + 1n)
    orgs.delete(orgId)
  }
  const forgetAll = () => {
    purgesOfAll++
    orgs.clear()
  }
  await db.listen(PURGE_CHANNEL, forget, forgetAll)
  return {
    generation: async orgId => generationOf(orgId),
    get: async (orgId, name) => ({ value: orgs.get(orgId)?.get(name), generation: generationOf(orgId) }),
    async set(orgId, name, value, ttlSeconds, generation) {
      if (generation !== generationOf(orgId)) return
      const answers = orgs.get(orgId) ?? new LRUCache<string, Buffer>({ maxSize: perOrg, sizeCalculation: answer => answer.length + name.length })
      answers.set(name, value, { ttl: ttlSeconds * 1000 })
      orgs.set(orgId, answers)
      while (orgs.size > 1 && totalBytes() > maxBytes) orgs.pop()
    },
    async purge(orgId) {
      forget(orgId)
      await db.notify(PURGE_CHANNEL, orgId)
    }
  }
}
