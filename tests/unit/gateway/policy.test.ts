import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { PolicyRequest } from '../../../server/gateway/apply-policy'
import { PolicyGate } from '../../../server/gateway/apply-policy'
import type { Caller } from '../../../server/gateway/caller'
import { compilePolicy } from '../../../server/policy/compile-policy'
import { MemoryLimits } from '../../../server/policy/memory-limits'
import { Policy, policyScopes } from '../../../shared/policy'
import type { KeyScope } from '../../../shared/keys'
import type { PolicyScope } from '../../../shared/policy'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

type Levels = Partial<Record<PolicyScope, Policy>>

function caller(levels: Levels, scopes: KeyScope[] = ['inference']): Caller {
  const set = policyScopes.flatMap((scope) => {
    const policy = levels[scope]
    return policy ? [{ scope, id: `${scope}-id`, policy: Policy.parse(policy) }] : []
  })
  return { orgId: 'org', projectId: null, apiKeyId: 'key', keyExpiresAtMs: null, userId: null, scopes: new Set(scopes), policy: compilePolicy(set, { timeZone: 'UTC' }), walletMode: 'prepaid', cacheHitBasisPoints: 0, cacheTtlSeconds: null, encryptionSalt: Buffer.alloc(16), encryptionKeyVersion: 1, markupBasisPoints: 0, traceBodies: true }
}

let calls = 0
function request(change: Partial<PolicyRequest> = {}): PolicyRequest {
  return {
    callId: `call-${calls++}`, scope: 'chat', models: ['gpt-4o'], ip: '10.0.0.1', bodyBytes: 80, bound: { inputTokens: 40, outputTokens: 40 }, reservedTokens: 80, outputTokens: undefined,
    countInput: () => Promise.reject(new Error('the prompt need not be counted')), ...change
  }
}

const using = (tokens: number) => request({ reservedTokens: tokens })
const gate = () => new PolicyGate(new MemoryLimits())
const limited = expect.objectContaining({ code: 'rate_limit_exceeded' })

/** A rule, and a call it refuses; with the least change the call passes. */
const rules: [rule: string, policy: Policy, refused: Partial<PolicyRequest>, code: string, passing: Partial<PolicyRequest>][] = [
  ['scopes', { allowedScopes: ['embeddings'] }, {}, 'insufficient_scope', { scope: 'embeddings' }],
  ['expires_at', { expiresAt: '2020-01-01T00:00:00Z' }, {}, 'forbidden', {}],
  ['models', { allowedModels: ['gpt-4*'] }, { models: ['gpt-4o', 'o3'] }, 'model_not_allowed', { models: ['gpt-4o', 'gpt-4'] }],
  ['models', { deniedModels: ['*-preview', 'o3'] }, { models: ['gpt-5-preview'] }, 'model_not_allowed', { models: ['gpt-5-preview-2'] }],
  ['allowed_ips', { allowedIps: ['10.0.0.0/8', '2001:db8::/32'] }, { ip: '11.0.0.1' }, 'forbidden', { ip: '2001:db8::1' }],
  ['allowed_ips', { allowedIps: ['10.0.0.0/8'] }, { ip: null }, 'forbidden', { ip: '10.255.0.1' }],
  ['max_body_bytes', { maxBodyBytes: 80 }, { bodyBytes: 81 }, 'body_too_large', { bodyBytes: 80 }],
  ['max_input_tokens', { maxInputTokens: 20 }, { countInput: async () => 21 }, 'invalid_request', { countInput: async () => 20 }],
  ['max_output_tokens', { maxOutputTokens: 100 }, { outputTokens: 101 }, 'invalid_request', { outputTokens: 100 }]
]

describe.each(policyScopes)('at the level of the %s', (scope) => {
  test.each(rules)('%s', async (rule, policy, refused, code, passing) => {
    await expect(gate().admit(caller({ [scope]: policy }), request(refused))).rejects.toMatchObject({ code, details: { rule, scope } })
    if (rule !== 'expires_at') await gate().admit(caller({ [scope]: policy }), request(passing))
  })

  test.each([
    ['max_concurrent', { maxConcurrent: 1 }, { remaining: 0, limit: 1 }],
    ['requests_per_minute', { requestsPerMinute: 1 }, { remaining: 0, limit: 1, reset_ms: 60_000 }],
    ['tokens_per_minute', { tokensPerMinute: 100 }, { remaining: 20, limit: 100, reset_ms: 60_000 }]
  ] as const)('%s: the refusal tells what is left and when it resets', async (rule, policy, left) => {
    const policies = gate()
    await policies.admit(caller({ [scope]: policy }), request())
    await expect(policies.admit(caller({ [scope]: policy }), request())).rejects.toMatchObject({ code: 'rate_limit_exceeded', retryAfterSeconds: expect.any(Number), details: { rule, scope, ...left } })
  })
})

describe('before a call is known, it needs room', () => {
  test.each<[string, Levels, KeyScope[], string]>([
    ['its scope', {}, ['embeddings'], 'insufficient_scope'],
    ['its kind', { project: { allowedScopes: ['embeddings'] } }, ['chat'], 'insufficient_scope'],
    ['its time', { org: { expiresAt: '2020-01-01T00:00:00Z' } }, ['chat'], 'forbidden'],
    ['its address', { org: { allowedIps: ['11.0.0.1'] } }, ['chat'], 'forbidden']
  ])('%s', async (_, levels, scopes, code) => {
    await expect(gate().requireRoom(caller(levels, scopes), request())).rejects.toMatchObject({ code })
  })

  test.each<Policy>([{ requestsPerMinute: 1 }, { tokensPerMinute: 80 }, { maxConcurrent: 1 }])('in every limit, of which it takes nothing: %j', async (policy) => {
    const policies = gate()
    const strict = caller({ project: policy })
    for (let asked = 0; asked < 3; asked++) await policies.requireRoom(strict, request())
    await policies.admit(strict, request())
    await expect(policies.requireRoom(strict, request())).rejects.toEqual(limited)
  })
})

describe('dry runs', () => {
  test('are as many a minute as calls, counted for themselves', async () => {
    const policies = gate()
    const strict = caller({ key: { requestsPerMinute: 2 }, org: { requestsPerMinute: 100, tokensPerMinute: 1 } })
    for (let asked = 0; asked < 2; asked++) (await policies.admitDryRun(strict, `dry-${asked}`))()
    await expect(policies.admitDryRun(strict, 'dry')).rejects.toMatchObject({ code: 'rate_limit_exceeded', details: { rule: 'requests_per_minute', scope: 'key', limit: 2, remaining: 0 } })
    for (let called = 0; called < 2; called++) await policies.admit(caller({ key: { requestsPerMinute: 2 } }), request())
    vi.advanceTimersByTime(60_000)
    await policies.admitDryRun(strict, 'later')
  })

  test('are as many at once as calls, and give their place back', async () => {
    const policies = gate()
    const strict = caller({ project: { maxConcurrent: 1 } })
    await policies.admit(strict, request())
    const end = await policies.admitDryRun(strict, 'one')
    await expect(policies.admitDryRun(strict, 'other')).rejects.toMatchObject({ details: { rule: 'max_concurrent', scope: 'project' } })
    end()
    await policies.admitDryRun(strict, 'other')
  })

  test('are free where calls are', async () => {
    for (let asked = 0; asked < 100; asked++) await gate().admitDryRun(caller({ key: { maxOutputTokens: 1 } }), 'any')
  })
})

describe('the strictest wins', () => {
  test('of models: what every level allows and none denies', async () => {
    const strict = caller({ key: { allowedModels: ['gpt-*'] }, project: { allowedModels: ['*-mini'] }, org: { deniedModels: ['gpt-3*'] }, platform: {} })
    await gate().admit(strict, request({ models: ['gpt-4o-mini'] }))
    for (const model of ['gpt-4o', 'o3-mini', 'gpt-3.5-mini']) await expect(gate().admit(strict, request({ models: [model] }))).rejects.toMatchObject({ code: 'model_not_allowed' })
  })

  test('of counts: the tightest is told, and the one that refuses is named', async () => {
    const policies = gate()
    const strict = caller({ key: { requestsPerMinute: 10 }, org: { requestsPerMinute: 2 }, platform: { requestsPerMinute: 100 } })
    expect(await policies.admit(strict, request())).toMatchObject({ requests: { limit: 2, remaining: 1 } })
    await policies.admit(strict, request())
    await expect(policies.admit(strict, request())).rejects.toMatchObject({ details: { scope: 'org', rule: 'requests_per_minute' } })
  })

  test('a level counts the calls of all below it together', async () => {
    const policies = gate()
    const [one, other] = ['one', 'other'].map(id => ({ ...caller({}), policy: compilePolicy([{ scope: 'key', id, policy: { requestsPerMinute: 2 } }, { scope: 'org', id: 'org', policy: { requestsPerMinute: 3 } }], { timeZone: 'UTC' }) }))
    if (!one || !other) throw new Error('unreachable')
    await policies.admit(one, request())
    await policies.admit(other, request())
    await policies.admit(one, request())
    await expect(policies.admit(other, request())).rejects.toMatchObject({ details: { scope: 'org' } })
  })
})

describe('scopes of a key', () => {
  test('`inference` covers every kind of call, each other its own', async () => {
    for (const scope of ['chat', 'embeddings', 'images', 'audio', 'moderations', 'rerank'] as const) {
      await gate().admit(caller({}, ['inference']), request({ scope }))
      await gate().admit(caller({}, [scope]), request({ scope }))
      await expect(gate().admit(caller({}, ['traces']), request({ scope }))).rejects.toMatchObject({ code: 'insufficient_scope' })
    }
    await expect(gate().admit(caller({}, ['chat']), request({ scope: 'images' }))).rejects.toMatchObject({ code: 'insufficient_scope' })
  })
})

describe('tokens a minute', () => {
  test('reserved and not used come back to the minute they were taken from', async () => {
    const policies = gate()
    const first = await policies.admit(caller({ key: { tokensPerMinute: 100 } }), using(80))
    await expect(policies.admit(caller({ key: { tokensPerMinute: 100 } }), using(80))).rejects.toEqual(limited)
    first.release(10)
    await policies.admit(caller({ key: { tokensPerMinute: 100 } }), using(90))
  })

  test('used beyond the estimate are owed by the minute', async () => {
    const policies = gate()
    const first = await policies.admit(caller({ key: { tokensPerMinute: 100 } }), using(10))
    first.release(95)
    await expect(policies.admit(caller({ key: { tokensPerMinute: 100 } }), using(10))).rejects.toMatchObject({ details: { remaining: 5 } })
  })

  test('of a call longer than a minute add nothing to the minute it ends in', async () => {
    const policies = gate()
    const long = await policies.admit(caller({ key: { tokensPerMinute: 100 } }), using(80))
    await vi.advanceTimersByTimeAsync(61_000)
    const short = await policies.admit(caller({ key: { tokensPerMinute: 100 } }), using(80))
    long.release(0)
    await expect(policies.admit(caller({ key: { tokensPerMinute: 100 } }), using(80))).rejects.toEqual(limited)
    short.release(0)
  })

  test('and requests of a call refused after its minute are not given to the next', async () => {
    const policies = gate()
    const strict = caller({ key: { requestsPerMinute: 1 } })
    const late = await policies.admit(strict, request())
    await vi.advanceTimersByTimeAsync(61_000)
    await policies.admit(strict, request())
    late.release(null)
    await expect(policies.admit(strict, request())).rejects.toEqual(limited)
  })

  test('a call larger than the limit goes while the minute is unused', async () => {
    const policies = gate()
    await policies.admit(caller({ key: { tokensPerMinute: 100 } }), using(5_000))
    await expect(policies.admit(caller({ key: { tokensPerMinute: 100 } }), using(1))).rejects.toEqual(limited)
  })
})

test('of several counters that refuse, the one that does so longest is named, and until when', async () => {
  const policies = gate()
  const [key, org] = [{ scope: 'key', id: 'key', policy: { requestsPerMinute: 1 } }, { scope: 'org', id: 'org', policy: { tokensPerMinute: 100 } }] as const
  const under = (...levels: Parameters<typeof compilePolicy>[0]) => ({ ...caller({}), policy: compilePolicy(levels, { timeZone: 'UTC' }) })
  await policies.admit(under(key), request())
  await vi.advanceTimersByTimeAsync(30_000)
  await policies.admit(under(org), using(100))
  const last = { retryAfterSeconds: 60, details: { rule: 'tokens_per_minute' } }
  await expect(policies.admit(under(key, org), using(10))).rejects.toMatchObject(last)
  await expect(policies.requireRoom(under(key, org), request())).rejects.toMatchObject(last)
})

test('a refused call takes nothing of any counter', async () => {
  const policies = gate()
  const strict = caller({ key: { maxConcurrent: 2, requestsPerMinute: 2 }, org: { tokensPerMinute: 100 } })
  await policies.admit(strict, using(80))
  for (let refused = 0; refused < 5; refused++) await expect(policies.admit(strict, using(80))).rejects.toMatchObject({ details: { rule: 'tokens_per_minute' } })
  expect(await policies.admit(strict, using(20))).toMatchObject({ requests: { remaining: 0 }, tokens: { remaining: 0 } })
})

test('a call that ended gives its place back', async () => {
  const policies = gate()
  const strict = caller({ key: { maxConcurrent: 1 } })
  const first = await policies.admit(strict, request())
  await expect(policies.admit(strict, request())).rejects.toEqual(limited)
  first.release(0)
  await policies.admit(strict, request())
})
