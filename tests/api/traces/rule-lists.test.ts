import { v7 as uuidv7 } from 'uuid'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Database } from '../../../db/client'
import { migrate, revertLast } from '../../../db/migrate'
import { forgetRuleLists, keepRuleLists, makeRuleList, openSteps } from '../../../server/traces/rule-lists'
import type { StoredSteps } from '../../../server/traces/rule-lists'
import type { TraceDecision } from '../../../shared/traces'
import { openEmptyDatabase, openTestDatabase, readTestMigrations } from '../../support/database'
import { finishedCall } from '../../support/ledger-entries'
import { captureCalls } from '../../../server/billing/capture-calls'
import { seedWorkspace } from '../../support/seed-workspace'

const decisions: TraceDecision[] = [
  { rule: 'scopes', scope: 'key', outcome: 'allow' },
  { rule: 'max_concurrent', scope: 'org', outcome: 'allow', limit: 9 },
  { rule: 'requests_per_minute', scope: 'key', outcome: 'allow', limit: 5 },
  { rule: 'budget_day', scope: 'key', outcome: 'allow', limit: '1' }
]
const told = decisions.map((decision, index) => index === 1 ? { ...decision, remaining: 8 } : index === 2 ? { ...decision, remaining: 0 } : decision)

let db: Database
afterEach(() => db.close())

describe('lists of rules', () => {
  beforeEach(async () => {
    db = await openTestDatabase()
  })

  test('are one for calls of a month with the same rules, and of each month one', async () => {
    const { orgId } = await seedWorkspace(db.orm)
    const list = (day: string, of = decisions) => makeRuleList(orgId, new Date(day), of)
    const [first, last, next, other] = [list('2026-01-01T00:00:00Z'), list('2026-01-31T23:59:59.999Z'), list('2026-02-01T00:00:00Z'), list('2026-01-01T00:00:00Z', decisions.slice(1))]
    expect(first).toEqual(last)
    for (const lists of [[first, other], [other, last, next]]) await keepRuleLists(db, lists)
    const rows = await db.query('select id, month::text from rule_lists order by month, id')
    expect(rows).toEqual([...[first, other].toSorted((a, b) => a.id < b.id ? -1 : 1), next].map(({ id, month }) => ({ id, month })))
  })

  test('go with the traces of their month, where an org keeps those for so many days', async () => {
    const [keeps, forgets] = [await seedWorkspace(db.orm), await seedWorkspace(db.orm)]
    await db.query(`update orgs set settings = '{"retention": {"tracesDays": 10}}' where id = $1`, [forgets.orgId])
    const lists = [keeps, forgets].map(({ orgId }) => makeRuleList(orgId, new Date('2026-01-31T12:00:00Z'), decisions))
    await keepRuleLists(db, lists)
    expect(await forgetRuleLists(db, new Date('2026-02-11T23:00:00Z'))).toBe(0)
    expect(await forgetRuleLists(db, new Date('2026-02-12T00:00:00Z'))).toBe(1)
    expect(await db.query('select org_id from rule_lists')).toEqual([{ org_id: keeps.orgId }])
  })

  test('give each counter what a call left of it; traces without a list tell what they say themselves, and of one that is gone no decisions', () => {
    const at = { auth: 1 }
    const rules = makeRuleList(uuidv7(), new Date(), decisions).id
    expect(openSteps({ at, rules, remaining: [8, 0] }, decisions)).toEqual({ at, decisions: told })
    expect(openSteps({ at, decisions: told }, null)).toEqual({ at, decisions: told })
    expect(openSteps({ at, rules, remaining: [8, 0] }, null)).toEqual({ at, decisions: [] })
    expect(openSteps(null, null)).toBeNull()
  })
})

test('taken back, the decisions of lists stand in their traces again', async () => {
  db = await openEmptyDatabase()
  const migrations = (await readTestMigrations()).filter(({ tag }) => tag <= '0030_rule_lists')
  await migrate(db, migrations)
  await db.query('select ensure_trace_partition(now())')
  const { orgId } = await seedWorkspace(db.orm)
  const list = makeRuleList(orgId, new Date(), decisions)
  await keepRuleLists(db, [list])
  const at = { auth: 1, capture: 2.5 }
  const own: StoredSteps = { at, decisions: told.slice(0, 1) }
  const traced = async (steps: StoredSteps | undefined) => {
    const id = uuidv7()
    await captureCalls(db, uuidv7(), [finishedCall(orgId, id, null, { hold: null, ...(steps && { steps }) })])
    return id
  }
  const ids = [await traced({ at, rules: list.id, remaining: [8, 0] }), await traced({ at, rules: uuidv7(), remaining: [] }), await traced(own), await traced(undefined)]
  expect(await revertLast(db, migrations)).toBe('0030_rule_lists')
  const steps = new Map((await db.query('select id, steps from traces')).map(({ id, steps }) => [id, steps]))
  expect(ids.map(id => steps.get(id))).toEqual([{ at, decisions: told }, { at, decisions: [] }, own, null])
})
