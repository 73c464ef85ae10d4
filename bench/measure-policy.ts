import { PolicyGate } from '../server/gateway/apply-policy'
import type { PolicyRequest } from '../server/gateway/apply-policy'
import type { Caller } from '../server/gateway/caller'
import { compilePolicy } from '../server/policy/compile-policy'
import { MemoryLimits } from '../server/policy/memory-limits'
import { median } from './statistics'

const CALLS = 40_000
const FEW = { keys: 5, models: 2 }
const MANY = { keys: 5_000, models: 200 }

/** What the policy step costs with every rule set at every level, in milliseconds (medians, taken in turns): with few keys and models, and with many. */
export async function measurePolicy(): Promise<{ fewMs: number, manyMs: number }> {
  const [few, many] = [await openRoom(FEW), await openRoom(MANY)]
  const took: { few: number[], many: number[] } = { few: [], many: [] }
  for (let call = 0; call < CALLS; call++) {
    const first = await few(call)
    const second = await many(call)
    // The first calls warm up the code.
    if (call < CALLS / 4) continue
    took.few.push(first)
    took.many.push(second)
  }
  return { fewMs: median(took.few), manyMs: median(took.many) }
}

/** Keys of one org, each with a list of models, and a gate that has seen them all. @returns makes one call and says what it took, in milliseconds */
async function openRoom({ keys, models }: { keys: number, models: number }): Promise<(call: number) => Promise<number>> {
  const gate = new PolicyGate(new MemoryLimits())
  const names = Array.from({ length: models }, (_, index) => `model-${index}`)
  const callers = Array.from({ length: keys }, (_, index) => caller(`key-${index}`, names))
  const admit = async (call: number) => {
    const who = callers[call % keys]
    if (!who) throw new Error('There are no keys')
    const request = requestFor(`call-${call}`, names[call % models] ?? '')
    const startedAt = performance.now()
    const { release } = await gate.admit(who, request)
    release(30)
    return performance.now() - startedAt
  }
  for (let call = 0; call < keys; call++) await admit(call)
  return admit
}

const UNREACHED = 1_000_000_000

function caller(id: string, allowedModels: string[]): Caller {
  const policy = {
    allowedModels, deniedModels: ['denied-*'], allowedIps: ['10.0.0.0/8'], maxBodyBytes: UNREACHED, maxInputTokens: UNREACHED, maxOutputTokens: UNREACHED,
    maxConcurrent: UNREACHED, requestsPerMinute: UNREACHED, tokensPerMinute: UNREACHED
  }
  const levels = [{ scope: 'key', id, policy }, { scope: 'project', id: 'project', policy }, { scope: 'org', id: 'org', policy }, { scope: 'platform', id: 'platform', policy }] as const
  return {
    orgId: 'org', projectId: 'project', apiKeyId: id, userId: null, scopes: new Set(['inference'] as const), policy: compilePolicy(levels, { timeZone: 'UTC' }), walletMode: 'unlimited',
    encryptionSalt: Buffer.alloc(16), encryptionKeyVersion: 1, markupBasisPoints: 0, traceBodies: true, keyExpiresAtMs: null, cacheHitBasisPoints: 0, cacheTtlSeconds: null
  }
}

function requestFor(callId: string, model: string): PolicyRequest {
  return { callId, scope: 'chat', models: [model], ip: '10.0.0.1', bodyBytes: 1_000, bound: { inputTokens: 100, outputTokens: 100 }, reservedTokens: 200, outputTokens: 100, countInput: () => Promise.resolve(100) }
}
