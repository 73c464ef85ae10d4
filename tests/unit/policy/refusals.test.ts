import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { budgetRefusal, callBudgets } from '../../../server/gateway/call-budgets'
import { insufficientFunds } from '../../../server/gateway/hold-budget'
import { compilePolicy } from '../../../server/policy/compile-policy'
import { limitRefusal } from '../../../server/policy/limit-refusal'
import { levelNames } from '../../../server/policy/policy-refusal'
import type { JudgedCall } from '../../../server/policy/static-rules'
import type { Policy } from '../../../shared/policy'
import { policyScopes } from '../../../shared/policy'

const NOW = '2026-11-21T12:00:00.000Z'
beforeEach(() => {
  vi.useFakeTimers({ now: new Date(NOW) })
})
afterEach(() => {
  vi.useRealTimers()
})

const call: JudgedCall = { scope: 'chat', models: ['gpt-4o'], ip: '11.0.0.1', bodyBytes: 81, inputTokens: 21, outputTokens: 101 }

/** A rule with its refusal's words and details. What is left and when it resets is told of whatever is used up. */
const table: [rule: string, policy: Policy, says: string[], details: object][] = [
  ['scopes', { allowedScopes: ['embeddings'] }, ['kind "chat"', 'only: embeddings'], { limit: ['embeddings'] }],
  ['expires_at', { expiresAt: '2026-11-20T00:00:00Z' }, ['ended', '2026-11-20T00:00:00Z'], { limit: '2026-11-20T00:00:00Z' }],
  ['models', { allowedModels: ['o3*'] }, ['model "gpt-4o"', 'Allowed are: o3*'], {}],
  ['models', { deniedModels: ['gpt-*'] }, ['model "gpt-4o"'], {}],
  ['allowed_ips', { allowedIps: ['10.0.0.0/8'] }, ['your address'], {}],
  ['max_body_bytes', { maxBodyBytes: 80 }, ['Request bodies', '80 bytes'], { limit: 80 }],
  ['max_input_tokens', { maxInputTokens: 20 }, ['prompt has 21 tokens', '20 are allowed'], { limit: 20 }],
  ['max_output_tokens', { maxOutputTokens: 100 }, ['may have 100 tokens', '101 were asked for'], { limit: 100 }],
  ['max_concurrent', { maxConcurrent: 3 }, ['3 calls at once', 'all are in use'], { limit: 3, remaining: 0 }],
  ['requests_per_minute', { requestsPerMinute: 10 }, ['10 requests per minute', '0 left', '30 s'], { limit: 10, remaining: 0, resets_at: '2026-11-21T12:00:30.000Z' }],
  ['tokens_per_minute', { tokensPerMinute: 500 }, ['500 tokens per minute', '0 left', '30 s'], { limit: 500, remaining: 0, resets_at: '2026-11-21T12:00:30.000Z' }],
  ['budget_day', { budgets: { day: '5' } }, ['up to $2', 'daily budget', '($5)', '$0.5 left', 'resets at 2026-11-22T00:00:00.000Z'], { limit: '5', remaining: '0.5', limit_usd: '5', remaining_usd: '0.5', required_usd: '2', resets_at: '2026-11-22T00:00:00.000Z', time_zone: 'UTC' }],
  ['budget_week', { budgets: { week: '5' } }, ['weekly budget', '$0.5 left', 'resets at 2026-11-23T00:00:00.000Z'], { resets_at: '2026-11-23T00:00:00.000Z' }],
  ['budget_month', { budgets: { month: '5' } }, ['monthly budget', '$0.5 left', 'resets at 2026-12-01T00:00:00.000Z'], { resets_at: '2026-12-01T00:00:00.000Z' }],
  ['budget_total', { budgets: { total: '5' } }, ['total budget', '$0.5 left', 'does not reset'], { remaining_usd: '0.5' }]
]

test.each(policyScopes.flatMap(scope => table.map(([rule, policy, says, details]) => ({ rule, scope, policy, says, details }))))('$rule of the $scope: message and details tell the rule, its level, the limit, what is left and when it resets', ({ rule, scope, policy, says, details }) => {
  const compiled = compilePolicy([{ scope, id: scope, policy }], { timeZone: 'UTC' })
  const refusals = [
    ...compiled.rules.map(({ refuse }) => refuse(call)),
    ...compiled.counters.map(counter => limitRefusal(counter, { remaining: 0, resetMs: counter.rule === 'max_concurrent' ? 0 : 30_000 })),
    ...(callBudgets({ policy: compiled }) ?? []).map(budget => budgetRefusal(budget, 2_000_000_000n, 500_000_000n))
  ]
  expect(refusals).toHaveLength(1)
  const [refusal] = refusals
  expect(refusal?.details).toMatchObject({ rule, scope, ...details })
  for (const words of [levelNames[scope], ...says]) expect(refusal?.message.toLowerCase()).toContain(words.toLowerCase())
})

test('that of the wallet tells what the call may cost and what there is', () => {
  const refusal = insufficientFunds(2_000_000_000n, 500_000_000n)
  expect(refusal).toMatchObject({ status: 402, details: { rule: 'wallet', scope: 'org', remaining: '0.5', required_usd: '2', available_usd: '0.5' } })
  for (const words of ['$2', '$0.5 available', 'Top up']) expect(refusal.message).toContain(words)
})
