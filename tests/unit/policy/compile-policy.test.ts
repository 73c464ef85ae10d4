import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { budgetRefusal, callBudgets } from '../../../server/gateway/call-budgets'
import { compilePolicy } from '../../../server/policy/compile-policy'
import { keepWindows } from '../../../server/policy/budget-window'
import { policyScopes } from '../../../shared/policy'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

const timeZone = 'Pacific/Kiritimati'
const levels = policyScopes.map(scope => ({ scope, id: `${scope}-id`, policy: { budgets: { day: '5' } } }))
const budgetsAt = (now: string, times: Parameters<typeof compilePolicy>[1] = { timeZone }) => {
  vi.setSystemTime(now)
  return Object.fromEntries((callBudgets({ policy: compilePolicy(levels, times) }) ?? []).map(budget => [budget.rule.scope, budget]))
}
const ends = (budgets: ReturnType<typeof budgetsAt>) => policyScopes.map(scope => new Date(budgets[scope]?.endsAtMs ?? NaN).toISOString())

test('budgets are renewed at the org\'s midnight, those of the platform at that of UTC', () => {
  const [before, after] = [budgetsAt('2026-11-21T09:59:59.999Z'), budgetsAt('2026-11-21T10:00:00Z')]
  expect(policyScopes.map(scope => after[scope]?.rule.timeZone)).toEqual([timeZone, timeZone, timeZone, 'UTC'])
  expect(ends(before)).toEqual(['2026-11-21T10:00:00.000Z', '2026-11-21T10:00:00.000Z', '2026-11-21T10:00:00.000Z', '2026-11-22T00:00:00.000Z'])
  expect(policyScopes.map(scope => before[scope]?.windowId !== after[scope]?.windowId)).toEqual([true, true, true, false])
  const { org } = after
  expect(org && budgetRefusal(org, 2n, 1n).details).toMatchObject({ time_zone: timeZone, resets_at: '2026-11-22T10:00:00.000Z', reset_ms: 86_400_000 })
})

test('a change of the time zone gives no budget back: each counts on until its period has ended', () => {
  const before = budgetsAt('2026-11-21T12:00:00Z', { timeZone: 'UTC' })
  const times = { timeZone, keptWindows: keepWindows({ timeZone: 'UTC' }, timeZone, Date.now()) }
  const moved = budgetsAt('2026-11-22T09:59:00Z', times)
  const windows = (budgets: typeof before) => (['key', 'project', 'org'] as const).map(scope => budgets[scope]?.windowId)
  expect(windows(moved)).toEqual(windows(before))
  expect(ends(moved)[0]).toBe('2026-11-22T10:00:00.000Z')
  expect(windows(budgetsAt('2026-11-22T10:00:00Z', times))).toEqual(windows(budgetsAt('2026-11-22T10:00:00Z')))
})
