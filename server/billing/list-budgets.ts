import { and, eq, inArray, isNull, sql } from 'drizzle-orm'
import type { Orm } from '../../db/client'
import { apiKeys, budgetWindows, orgs, projects } from '../../db/schema'
import type { BudgetUse } from '../../shared/billing'
import { parseUsdDecimal } from '../../shared/money'
import type { PolicyScope } from '../../shared/policy'
import { budgetPeriods, KeyLimits, Policy } from '../../shared/policy'
import { BudgetTimes, findBudgetWindow, windowId } from '../policy/budget-window'
import { projectsNamedTo } from '../projects/scope'
import type { Reader } from '../projects/scope'
import { DRAWN_ON_LEASES } from './drawn-on-leases'

interface Subject { scope: PolicyScope, subjectId: string, subject: string, budgets: Policy['budgets'] }

/** The budgets of the reader's org, of its projects that are open to the reader, and its active keys, with what of their running periods is used. */
export async function listBudgets(orm: Orm, reader: Reader, now = new Date()): Promise<BudgetUse[]> {
  const { times, subjects } = await readSubjects(orm, reader)
  const windows = subjects.flatMap(({ budgets = {}, ...subject }) => budgetPeriods.flatMap((period) => {
    const limit = budgets[period]
    if (limit === undefined) return []
    const window = findBudgetWindow(period, now.getTime(), times)
    return [{ ...subject, period, limit, window, id: windowId({ ...subject, period }, window.startsAtMs) }]
  }))
  if (windows.length === 0) return []
  const drawn = sql.raw(DRAWN_ON_LEASES)
  const spent = sql`spent + ${drawn}`.mapWith(budgetWindows.spent)
  const held = sql`held - ${drawn}`.mapWith(budgetWindows.held)
  const rows = await orm.select({ id: budgetWindows.id, spent, held }).from(budgetWindows)
    .where(and(eq(budgetWindows.orgId, reader.orgId), inArray(budgetWindows.id, windows.map(({ id }) => id))))
  const used = new Map(rows.map(row => [row.id, row]))
  return windows.map(({ id, limit, window, ...budget }) => ({
    ...budget,
    limitNanoUsd: parseUsdDecimal(limit).toString(),
    spentNanoUsd: (used.get(id)?.spent ?? 0n).toString(),
    heldNanoUsd: (used.get(id)?.held ?? 0n).toString(),
    startsAt: budget.period === 'total' ? null : new Date(window.startsAtMs).toISOString(),
    resetsAt: budget.period === 'total' ? null : new Date(window.endsAtMs).toISOString()
  }))
}

async function readSubjects(orm: Orm, reader: Reader): Promise<{ times: BudgetTimes, subjects: Subject[] }> {
  const { orgId } = reader
  const [org] = await orm.select({ name: orgs.name, settings: orgs.settings, policy: orgs.policy }).from(orgs).where(eq(orgs.id, orgId))
  if (!org) return { times: { timeZone: 'UTC' }, subjects: [] }
  const ofProjects = await orm.select({ id: projects.id, name: projects.name, policy: projects.policy }).from(projects)
    .where(and(projectsNamedTo(reader), isNull(projects.archivedAt), sql`${projects.policy} ? 'budgets'`))
  const ofKeys = await orm.select({ id: apiKeys.id, name: apiKeys.name, limits: apiKeys.limits }).from(apiKeys)
    .where(and(eq(apiKeys.orgId, orgId), eq(apiKeys.status, 'active'), sql`${apiKeys.limits} ? 'budgets'`))
  return {
    times: BudgetTimes.parse(org.settings),
    subjects: [
      { scope: 'org', subjectId: orgId, subject: org.name, budgets: Policy.parse(org.policy).budgets },
      ...ofProjects.map(({ id, name, policy }) => ({ scope: 'project' as const, subjectId: id, subject: name, budgets: Policy.parse(policy).budgets })),
      ...ofKeys.map(({ id, name, limits }) => ({ scope: 'key' as const, subjectId: id, subject: name, budgets: KeyLimits.parse(limits).budgets }))
    ]
  }
}
