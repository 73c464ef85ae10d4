import { afterAll, beforeAll, expect, test } from 'vitest'
import { BudgetList } from '../../../shared/billing'
import { CreatedApiKey } from '../../../shared/keys'
import type { LoomServer } from '../../support/loom-server'
import { startLoom } from '../../support/start-loom'
import type { Visitor } from '../../support/visitor'
import { join, setUp, signUp } from '../../support/visitor'

let loom: LoomServer
let owner: Visitor
beforeAll(async () => {
  loom = await startLoom({ env: { NEW_ORG_WALLET: 'unlimited' } })
  owner = await setUp(loom)
})
afterAll(() => loom?.remove())

const budgetsOf = async (visitor: Visitor) => BudgetList.parse((await visitor.succeed('GET', '/api/budgets')).body).budgets

test('each budget tells what of it is used and when it begins anew, exactly', async () => {
  await owner.succeed('POST', '/api/keys', { name: 'with budgets', limits: { budgets: { day: '5', total: '0.000000001' } } })
  const { key: spender, id } = CreatedApiKey.parse((await owner.succeed('POST', '/api/keys', { name: '=cmd|<script>', limits: { budgets: { month: '5' } } })).body)
  await owner.succeed('PUT', '/api/orgs/current/policy', { policy: { budgets: { week: '100' } } })
  const answer = await fetch(`${loom.url}/v1/chat/completions`, {
    method: 'POST', headers: { 'authorization': `Bearer ${spender}`, 'content-type': 'application/json' }, body: JSON.stringify({ model: 'demo', messages: [{ role: 'user', content: 'hi' }] })
  })
  expect(answer.status).toBe(200)
  const cost = String(BigInt(Math.round(Number(answer.headers.get('x-loom-cost-usd')) * 1e9)))
  const budgets = await budgetsOf(owner)
  expect(budgets.map(({ scope, period }) => `${scope} ${period}`).sort()).toEqual(['key day', 'key month', 'key total', 'org week'])
  expect(budgets.find(({ subjectId }) => subjectId === id)).toMatchObject({ subject: '=cmd|<script>', limitNanoUsd: '5000000000', spentNanoUsd: cost, heldNanoUsd: '0' })
  expect(budgets.find(({ scope }) => scope === 'org')).toMatchObject({ spentNanoUsd: cost })
  expect(budgets.find(({ period }) => period === 'total')).toMatchObject({ limitNanoUsd: '1', startsAt: null, resetsAt: null })
  expect(Date.parse(budgets.find(({ period }) => period === 'day')?.resetsAt ?? '')).toBeGreaterThan(Date.now())
})

test('a viewer sees no keys\' budgets, another org none at all', async () => {
  expect((await budgetsOf(await join(owner, 'viewer@example.com', 'viewer'))).map(({ scope }) => scope)).toEqual(['org'])
  expect(await budgetsOf(await signUp(owner, 'other@example.com'))).toEqual([])
})
