import { v7 as uuidv7 } from 'uuid'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Database } from '../../../db/client'
import { apiKeys, projects, transactions, usageRecords, wallets } from '../../../db/schema'
import { checkLedger } from '../../../server/billing/check-ledger'
import { getStatement } from '../../../server/billing/get-statement'
import { textCell, toStatementCsv } from '../../../server/billing/statement-csv'
import type { StatementLine } from '../../../shared/billing'
import { openTestDatabase } from '../../support/database'
import { seedWorkspace } from '../../support/seed-workspace'
import type { Workspace } from '../../support/seed-workspace'

let db: Database
let workspace: Workspace
let keyId: string
let projectId: string

type Row = Partial<typeof transactions.$inferInsert> & Pick<typeof transactions.$inferInsert, 'type' | 'createdAt'>

beforeAll(async () => {
  db = await openTestDatabase()
  workspace = await seedWorkspace(db.orm)
  keyId = uuidv7()
  projectId = uuidv7()
  await db.orm.insert(projects).values({ id: projectId, orgId: workspace.orgId, name: '=cmd()', createdBy: workspace.userId })
  await db.orm.insert(apiKeys).values({ id: keyId, orgId: workspace.orgId, name: '+cron, "nightly"', keyPrefix: 'loom_sk_', keyHash: keyId, scopes: ['inference'] })
  await db.query(`update orgs set settings = '{"timeZone": "America/New_York"}' where id = $1`, [workspace.orgId])
  // October, November and December of 2025 in New York begin at 04:00, 04:00 and 05:00 UTC.
  await add({ type: 'topup', amount: 1_000n, createdAt: new Date('2025-10-05T00:00:00Z') })
  await add({ type: 'charge', captured: 100n, createdAt: new Date('2025-11-01T03:59:59.999Z') })
  const charged = await add({ type: 'charge', captured: 30n, createdAt: new Date('2025-11-01T04:00:00.000Z'), apiKeyId: keyId }, 'a')
  await add({ type: 'charge', captured: 7n, createdAt: new Date('2025-11-30T23:00:00Z') }, 'b')
  await add({ type: 'refund', amount: 10n, chargeId: charged, createdAt: new Date('2025-11-15T12:00:00Z') })
  await add({ type: 'adjustment', amount: -3n, createdAt: new Date('2025-11-15T12:00:00Z') })
  await add({ type: 'topup', amount: 500n, createdAt: new Date('2025-12-01T04:59:59.999Z') })
  await add({ type: 'charge', captured: 200n, createdAt: new Date('2025-12-01T05:00:00.000Z') })
})
afterAll(() => db.close())

/** A row as it was made then, and the wallet and usage record it implies. */
async function add(row: Row, model = 'm'): Promise<string> {
  const id = uuidv7()
  const isCharge = row.type === 'charge'
  const values = { id, orgId: workspace.orgId, refId: id, status: isCharge ? 'captured' as const : 'posted' as const, ...row }
  await db.orm.insert(transactions).values(values)
  await db.query('update wallets set balance = balance + $2 where org_id = $1', [workspace.orgId, (row.amount ?? 0n) - (row.captured ?? 0n)])
  if (isCharge) {
    await db.orm.insert(usageRecords).values({
      id, orgId: workspace.orgId, projectId: model === 'a' ? projectId : null, apiKeyId: row.apiKeyId ?? null, endpoint: 'test', provider: 'demo', model,
      inputTokens: 10, outputTokens: 5, usageSource: 'provider', price: {}, cost: row.captured ?? 0n, createdAt: row.createdAt ?? new Date()
    })
  }
  return id
}

const statement = (month: string) => getStatement(db, workspace.principal, month)
const moved = ({ chargedNanoUsd, toppedUpNanoUsd, refundedNanoUsd, adjustedNanoUsd }: StatementLine) => [chargedNanoUsd, toppedUpNanoUsd, refundedNanoUsd, adjustedNanoUsd].map(BigInt)

describe('a statement', () => {
  test('is of the org\'s month, to the millisecond, and leads from one balance to the next', async () => {
    const [october, november, december] = [await statement('2025-10'), await statement('2025-11'), await statement('2025-12')]
    expect(november).toMatchObject({ timeZone: 'America/New_York', from: '2025-11-01T04:00:00.000Z', to: '2025-12-01T05:00:00.000Z', final: true })
    expect(october).toMatchObject({ openingBalanceNanoUsd: '0', closingBalanceNanoUsd: '900' })
    expect(november).toMatchObject({ openingBalanceNanoUsd: '900', closingBalanceNanoUsd: '1370' })
    expect(december).toMatchObject({ openingBalanceNanoUsd: '1370', closingBalanceNanoUsd: '1170' })
    expect(november.totals).toEqual({ calls: 2, inputTokens: 20, outputTokens: 10, chargedNanoUsd: '37', toppedUpNanoUsd: '500', refundedNanoUsd: '10', adjustedNanoUsd: '-3' })
  })

  test('of an org that was given an offset once, which the database would read the other way round, is of that offset', async () => {
    const other = await seedWorkspace(db.orm)
    for (const offset of ['+05:30', '+0530']) {
      await db.query('update orgs set settings = jsonb_build_object(\'timeZone\', $2::text) where id = $1', [other.orgId, offset])
      expect(await getStatement(db, other.principal, '2025-11')).toMatchObject({ timeZone: offset, from: '2025-10-31T18:30:00.000Z', to: '2025-11-30T18:30:00.000Z' })
    }
  })

  test('adds up exactly, however it is grouped', async () => {
    for (const month of ['2025-10', '2025-11', '2025-12']) {
      const { totals, byDay, byModel, byKey, byProject } = await statement(month)
      for (const lines of [byDay, byModel, byKey, byProject]) {
        expect(lines.map(moved).reduce((sum, line) => sum.map((part, index) => part + (line[index] ?? 0n)), [0n, 0n, 0n, 0n])).toEqual(moved(totals))
        expect(lines.reduce((sum, { calls }) => sum + calls, 0)).toBe(totals.calls)
      }
    }
  })

  test('tells day, model, key and project, and counts a refund where its charge was', async () => {
    const { byDay, byModel, byKey, byProject } = await statement('2025-11')
    expect(byDay.map(({ day }) => day)).toEqual(['2025-11-01', '2025-11-15', '2025-11-30'])
    expect(byModel.find(({ model }) => model === 'a')).toMatchObject({ provider: 'demo', calls: 1, chargedNanoUsd: '30', refundedNanoUsd: '10' })
    expect(byKey.find(({ apiKeyId }) => apiKeyId === keyId)).toMatchObject({ name: '+cron, "nightly"', chargedNanoUsd: '30', refundedNanoUsd: '10' })
    expect(byProject.find(line => line.projectId === projectId)).toMatchObject({ name: '=cmd()', chargedNanoUsd: '30' })
  })

  test('of a month that has not begun does not exist, and of an empty one says so', async () => {
    await expect(statement('2099-01')).rejects.toMatchObject({ code: 'not_found' })
    expect(await statement('2024-02')).toMatchObject({ openingBalanceNanoUsd: '0', closingBalanceNanoUsd: '0', byDay: [], totals: { calls: 0 } })
  })

  test('tells nothing of another org', async () => {
    const stranger = await seedWorkspace(db.orm)
    expect(await getStatement(db, stranger.principal, '2025-11')).toMatchObject({ openingBalanceNanoUsd: '0', byDay: [], byModel: [], byKey: [], byProject: [] })
  })

  test('is not final while one of its calls is under way', async () => {
    const { orgId, principal } = await seedWorkspace(db.orm)
    await db.orm.insert(transactions).values({ orgId, refId: 'open', type: 'charge', status: 'held', held: 5n, createdAt: new Date('2025-11-30T12:00:00Z') })
    await db.orm.update(wallets).set({ held: 5n })
    expect((await getStatement(db, principal, '2025-11')).final).toBe(false)
    await db.orm.update(wallets).set({ held: 0n })
    await db.query(`update transactions set status = 'released', settled_at = now() where org_id = $1`, [orgId])
    expect((await getStatement(db, principal, '2025-11')).final).toBe(true)
  })

  test('rests on a ledger that is exact', async () => {
    expect((await checkLedger(db)).filter(({ org_id }) => org_id === workspace.orgId)).toEqual([])
  })
})

describe('as a table', () => {
  test('a statement keeps its figures, and names that are formulas stay text', async () => {
    const lines = toStatementCsv(await statement('2025-11')).trimEnd().split('\r\n')
    expect(lines[0]).toBe('section,item,name,calls,input_tokens,output_tokens,charged_usd,topped_up_usd,refunded_usd,adjusted_usd,balance_usd')
    expect(lines).toContain('opening_balance,"2025-11-01T04:00:00.000Z",,,,,,,,,0.0000009')
    expect(lines).toContain(`key,"${keyId}","'+cron, ""nightly""",1,10,5,0.00000003,0,0.00000001,0,`)
    expect(lines).toContain(`project,"${projectId}","'=cmd()",1,10,5,0.00000003,0,0.00000001,0,`)
    expect(lines).toContain('total,"2025-11","America/New_York",2,20,10,0.000000037,0.0000005,0.00000001,-0.000000003,')
    expect(lines.at(-1)).toBe('closing_balance,"2025-12-01T05:00:00.000Z",,,,,,,,,0.00000137')
  })

  test.each(['=1+1', '+1', '-1', '@SUM(A1)', '\t=1', '\r=1', '\n=1', '  =1', '＝1'])('%j is no formula', (text) => {
    expect(textCell(text)).toBe(`"'${text}"`)
  })

  test.each([['plain', '"plain"'], ['a "b", c', '"a ""b"", c"'], ['', ''], ['a=b', '"a=b"']])('%j is written as %s', (text, cell) => expect(textCell(text)).toBe(cell))
})
