import { z } from 'zod'
import { openWindows } from '../billing/open-windows'
import type { BudgetShare } from '../billing/hold-funds'
import type { Database } from '../../db/client'
import { toUsdDecimal } from '../../shared/money'
import type { BudgetPeriod, PolicyDecision } from '../../shared/policy'
import { BudgetCalendar, windowId } from '../policy/budget-window'
import type { BudgetRule } from '../policy/compile-policy'
import { levelAdvice, levelNames, PolicyRefusal } from '../policy/policy-refusal'
import type { Caller } from './caller'

const Window = z.object({ id: z.string(), used: z.bigint() })
const calendar = new BudgetCalendar()

/** One budget over one call, in its present window. */
export interface CallBudget extends BudgetShare {
  rule: BudgetRule
  startsAtMs: number
  endsAtMs: number
}

/** The windows that were found last for a caller's budgets, and until when they are those of now. */
const found = new WeakMap<readonly BudgetRule[], { budgets: CallBudget[], fromMs: number, untilMs: number }>()

/** The budgets a call counts in, in the windows of now, the same list until one of them ends; undefined for callers without any. */
export function callBudgets({ policy: { budgets: rules } }: Pick<Caller, 'policy'>): CallBudget[] | undefined {
  if (rules.length === 0) return undefined
  const nowMs = Date.now()
  const last = found.get(rules)
  if (last && nowMs >= last.fromMs && nowMs < last.untilMs) return last.budgets
  const budgets = rules.map((rule) => {
    const kept = rule.keptWindow
    const { startsAtMs, endsAtMs } = kept && nowMs < kept.endsAtMs ? kept : calendar.current(rule.period, rule.timeZone, nowMs)
    return { rule, startsAtMs, endsAtMs, windowId: windowId(rule, startsAtMs), limit: rule.limit }
  })
  found.set(rules, { budgets, fromMs: nowMs, untilMs: Math.min(...budgets.map(({ endsAtMs }) => endsAtMs)) })
  return budgets
}

/** Makes the rows their windows lack: once a window. */
export async function openCallWindows(db: Pick<Database, 'query'>, orgId: string, budgets: readonly CallBudget[]): Promise<void> {
  await openWindows(db, budgets.map(({ rule: { scope, subjectId, period }, startsAtMs, windowId }) => ({
    id: windowId, orgId: scope === 'platform' ? null : orgId, scope, subjectId, period, startsAtMs
  })))
}

const adjectives: Record<BudgetPeriod, string> = { day: 'daily', week: 'weekly', month: 'monthly', total: 'total' }

/** The 402 of a budget with too little left. Amounts in nano-USD. */
export function budgetRefusal({ rule: { scope, period, limit, timeZone }, endsAtMs }: CallBudget, required: bigint, left: bigint): PolicyRefusal {
  const reset = endsAtMs === Infinity ? 'It does not reset.' : `It resets at ${new Date(endsAtMs).toISOString()}.`
  return new PolicyRefusal(
    'budget_exceeded',
    `This call may cost up to $${toUsdDecimal(required)}, and the ${adjectives[period]} budget of ${levelNames[scope]} ($${toUsdDecimal(limit)}) has $${toUsdDecimal(left)} left. ${reset} Raise it ${levelAdvice[scope]}, or lower max_tokens.`,
    { rule: `budget_${period}`, scope, limit: toUsdDecimal(limit), remaining: toUsdDecimal(left), ...(endsAtMs !== Infinity && { resets: { inMs: endsAtMs - Date.now(), atMs: endsAtMs } }) },
    { limit_usd: toUsdDecimal(limit), remaining_usd: toUsdDecimal(left), required_usd: toUsdDecimal(required), time_zone: timeZone }
  )
}

/** What each budget has left now, in their order, nano-USD; zero where its limit was lowered below what is used. */
export async function leftInBudgets(db: Pick<Database, 'query'>, budgets: readonly CallBudget[]): Promise<bigint[]> {
  if (budgets.length === 0) return []
  const rows = await db.query('select id, spent + held as used from budget_windows where id = any($1::uuid[])', [budgets.map(({ windowId }) => windowId)])
  const used = new Map(rows.map(row => Window.parse(row)).map(({ id, used }) => [id, used]))
  return budgets.map(({ limit, windowId }) => {
    const left = limit - (used.get(windowId) ?? 0n)
    return left > 0n ? left : 0n
  })
}

/** What each budget says to a call that may cost `amount` nano-USD, in their order. Holds nothing. */
export function judgeBudgets(budgets: readonly CallBudget[], lefts: readonly bigint[], amount: bigint): PolicyDecision[] {
  return budgets.map((budget, index) => {
    const { rule: { scope, period, limit }, endsAtMs } = budget
    const remaining = lefts[index] ?? 0n
    const isDenied = amount > remaining
    return {
      rule: `budget_${period}`, scope, outcome: isDenied ? 'deny' : 'allow', limit: toUsdDecimal(limit), remaining: toUsdDecimal(remaining),
      ...(endsAtMs !== Infinity && { resets_at: new Date(endsAtMs).toISOString() }),
      ...(isDenied && { message: budgetRefusal(budget, amount, remaining).message })
    }
  })
}
