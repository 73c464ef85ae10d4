import { randomBytes } from 'node:crypto'
import { eq } from 'drizzle-orm'
import { v7 as uuidv7 } from 'uuid'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Database } from '../../../db/client'
import { alertDeliveries, alertEvents, auditLogs, budgetWindows, orgs, providerConnections, traces, transactions, wallets } from '../../../db/schema'
import { AlertDeliverer } from '../../../server/alerts/deliver-alerts'
import { AlertsJob } from '../../../server/alerts/evaluate-alerts'
import { ALERT_LOG_DAYS, forgetAlerts, LASTING_ALERT_DAYS } from '../../../server/alerts/forget-alerts'
import { listDeliveries } from '../../../server/alerts/list-deliveries'
import type { Mailer } from '../../../server/alerts/mailer'
import { resendDelivery } from '../../../server/alerts/resend-delivery'
import { MAX_ATTEMPTS } from '../../../server/alerts/retry-delay'
import { WebhookSender } from '../../../server/alerts/send-webhook'
import { signWebhook } from '../../../server/alerts/sign-webhook'
import { createRule } from '../../../server/alerts/create-rule'
import { deleteRule } from '../../../server/alerts/delete-rule'
import { updateRule } from '../../../server/alerts/update-rule'
import { createWebhook } from '../../../server/alerts/create-webhook'
import { deleteWebhook } from '../../../server/alerts/delete-webhook'
import { testWebhook } from '../../../server/alerts/test-webhook'
import { updateWebhook } from '../../../server/alerts/update-webhook'
import { openKeyring } from '../../../server/crypto/keyring'
import { createKey } from '../../../server/keys/create-key'
import { createLog } from '../../../server/operations/log'
import { createMetrics } from '../../../server/operations/metrics'
import { findWindow, windowId } from '../../../server/policy/budget-window'
import type { AlertCondition } from '../../../shared/alerts'
import { AlertPayload, CreateAlertRule } from '../../../shared/alerts'
import { CreateKey } from '../../../shared/keys'
import { openTestDatabase } from '../../support/database'
import type { Workspace } from '../../support/seed-workspace'
import { seedWorkspace } from '../../support/seed-workspace'
import type { WebhookReceiver } from '../../support/webhook-receiver'
import { startWebhookReceiver } from '../../support/webhook-receiver'

const keyring = openKeyring({ ENCRYPTION_MASTER_KEY: randomBytes(32).toString('hex'), LOOM_DATA_DIR: '.unused' })
const metrics = createMetrics()
const log = createLog({ LOG_LEVEL: 'silent' }, metrics)
const sender = new WebhookSender()

let db: Database
let receiver: WebhookReceiver
let workspace: Workspace
beforeAll(async () => {
  db = await openTestDatabase()
})
beforeEach(async () => {
  receiver = await startWebhookReceiver()
  workspace = await seedWorkspace(db.orm)
})
// Rules left behind would be looked at by the tests after this one, too.
afterEach(async () => {
  await receiver.stop()
  await db.orm.update(orgs).set({ status: 'inactive' }).where(eq(orgs.id, workspace.orgId))
})
afterAll(async () => {
  await sender.close()
  await db.close()
})

const author = () => ({ principal: { ...workspace.principal, platformAdmin: true }, ip: null })
const job = (resting: ReturnType<ConstructorParameters<typeof AlertsJob>[1]['resting']> = []) => new AlertsJob(db, { resting: () => resting }, 60_000, log)
const deliverer = (mailer?: Mailer) => new AlertDeliverer({ db, keyring, webhooks: sender, mailer, metrics, log })
const hook = () => createWebhook(db.orm, keyring, author(), { name: 'ops', url: receiver.url })
const rule = async (condition: AlertCondition, more: object = {}) => createRule(db.orm, author(), CreateAlertRule.parse({ name: 'told', condition, ...more }))
const told = async () => (await db.orm.select().from(alertEvents).where(eq(alertEvents.orgId, workspace.orgId))).map(({ summary }) => summary)
/** Attempts over webhooks so far, by their outcome. */
const countedDeliveries = async () => {
  const { values } = await metrics.alertDeliveries.get()
  const counts = new Map(values.flatMap(({ labels: { channel, outcome }, value }) => channel === 'webhook' ? [[outcome, value] as const] : []))
  return (outcome: string) => counts.get(outcome) ?? 0
}
const deliveries = async () => (await listDeliveries(db.orm, workspace.orgId, { limit: 50 })).items

describe('a rule', () => {
  // One moment for all: an hour or a month may end while a test runs.
  const now = new Date()

  test('about budgets tells once of each percentage, the highest reached alone', async () => {
    await rule({ kind: 'budget', percents: [50, 80, 100] })
    const key = await createKey(db.orm, author(), CreateKey.parse({ name: 'spender', limits: { budgets: { month: '10' } } }))
    const startsAt = new Date(findWindow('month', now.getTime(), 'UTC').startsAtMs)
    const window = { scope: 'key' as const, subjectId: key.id, period: 'month' as const }
    const id = windowId(window, startsAt.getTime())
    await db.orm.insert(budgetWindows).values({ ...window, id, orgId: workspace.orgId, startsAt, spent: 4_999_999_999n })
    await job().evaluate(now)
    expect(await told()).toEqual([])
    for (const spent of [8_500_000_000n, 9_000_000_000n, 10_000_000_000n]) {
      await db.orm.update(budgetWindows).set({ spent }).where(eq(budgetWindows.id, id))
      await job().evaluate(now)
    }
    expect(await told()).toEqual([expect.stringContaining('“spender” is 80 % spent: $8.5 of $10.'), expect.stringContaining('100 % spent')])
  })

  test('about the wallet tells once, and anew after money was posted', async () => {
    await db.orm.update(wallets).set({ mode: 'prepaid', balance: 4_000_000_000n }).where(eq(wallets.orgId, workspace.orgId))
    await rule({ kind: 'wallet', belowUsd: '5' })
    await job().evaluate(now)
    await job().evaluate(now)
    expect(await told()).toEqual(['The wallet has $4 left, less than $5.'])
    await db.orm.insert(transactions).values({ orgId: workspace.orgId, refId: 'top', type: 'topup', status: 'posted', amount: 500_000_000n })
    await db.orm.update(wallets).set({ balance: 4_500_000_000n }).where(eq(wallets.orgId, workspace.orgId))
    await job().evaluate(now)
    expect(await told()).toHaveLength(2)
  })

  test('about failing calls tells once an hour, of the latest minutes alone, and not of callers who left', async () => {
    await rule({ kind: 'errors', percent: 50, minutes: 5, minCalls: 4 })
    const call = (statusCode: number, ageMs = 0) => ({
      id: uuidv7(), orgId: workspace.orgId, createdAt: new Date(now.getTime() - ageMs), endpoint: 'chat', requestedModel: 'm', model: 'm', provider: 'demo', statusCode, isStream: false, attempts: [], latencyMs: 1, gatewayOverheadMs: 1, inputTokens: 0, outputTokens: 0, cost: 0n
    })
    await db.orm.insert(traces).values([call(500), call(200), call(499), call(499), call(500, 600_000), call(500, 600_000)])
    await job().evaluate(now)
    expect(await told()).toEqual([])
    await db.orm.insert(traces).values([call(502), call(200)])
    await job().evaluate(now)
    await job().evaluate(now)
    expect(await told()).toEqual(['2 of 4 calls failed in the last 5 min.'])
  })

  test('about keys tells of each end once, an extended key\'s next end again', async () => {
    await rule({ kind: 'key_expiry', days: 7 })
    const inDays = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString()
    await createKey(db.orm, author(), CreateKey.parse({ name: 'soon', expiresAt: inDays(3) }))
    await createKey(db.orm, author(), CreateKey.parse({ name: 'later', expiresAt: inDays(30) }))
    await job().evaluate(now)
    await job().evaluate(now)
    expect(await told()).toEqual([expect.stringContaining('“soon”')])
  })

  test('about circuits tells of the org\'s own and the platform\'s connections, never of another org\'s', async () => {
    await rule({ kind: 'circuit' })
    const other = await seedWorkspace(db.orm)
    const [mine, theirs] = [uuidv7(), uuidv7()]
    await db.orm.insert(providerConnections).values([{ id: mine, orgId: workspace.orgId, kind: 'demo', name: 'mine' }, { id: theirs, orgId: other.orgId, kind: 'demo', name: 'theirs' }])
    const resting = [
      { orgId: null, connectionId: mine, model: null, waitMs: 1 }, { orgId: null, connectionId: theirs, model: null, waitMs: 1 },
      { orgId: workspace.orgId, connectionId: mine, model: 'm 1', waitMs: 1 }, { orgId: other.orgId, connectionId: mine, model: 'not mine', waitMs: 1 }
    ]
    await Promise.all([job(resting).run(now), job(resting).run(now)])
    expect((await told()).sort()).toEqual(['The connection “mine” cannot be reached and rests.', 'The model m 1 of connection “mine” failed repeatedly and rests.'])
  })

  test('that is off, deleted, or of an inactive org tells nothing', async () => {
    await createKey(db.orm, author(), CreateKey.parse({ name: 'soon', expiresAt: new Date(Date.now() + 86_400_000).toISOString() }))
    const off = await rule({ kind: 'key_expiry', days: 7 }, { enabled: false })
    const gone = await rule({ kind: 'key_expiry', days: 8 })
    await deleteRule(db.orm, author(), gone.id)
    await job().evaluate(now)
    await updateRule(db.orm, author(), off.id, { enabled: true })
    await db.orm.update(orgs).set({ status: 'inactive' }).where(eq(orgs.id, workspace.orgId))
    await job().evaluate(now)
    expect(await told()).toEqual([])
  })

  test('keeps its kind, names only webhooks of its org, and its changes are on record', async () => {
    const made = await rule({ kind: 'circuit' })
    await expect(updateRule(db.orm, author(), made.id, { condition: { kind: 'key_expiry', days: 1 } })).rejects.toThrow('another one')
    const other = await seedWorkspace(db.orm)
    const foreign = await createWebhook(db.orm, keyring, { principal: { ...other.principal, platformAdmin: true }, ip: null }, { name: 'x', url: receiver.url })
    await expect(updateRule(db.orm, author(), made.id, { webhookIds: [foreign.id] })).rejects.toThrow('no webhook')
    await expect(updateRule(db.orm, { principal: other.principal, ip: null }, made.id, { enabled: false })).rejects.toMatchObject({ code: 'not_found' })
    await updateRule(db.orm, author(), made.id, { enabled: false }, made.version)
    await expect(updateRule(db.orm, author(), made.id, { enabled: true }, made.version)).rejects.toMatchObject({ code: 'conflict' })
    const [, change] = await db.orm.select().from(auditLogs).where(eq(auditLogs.orgId, workspace.orgId)).orderBy(auditLogs.sequence)
    expect(change).toMatchObject({ action: 'alert_rule.update', before: { enabled: true }, after: { enabled: false } })
  })
})

describe('a delivery', () => {
  test('is signed, timestamped, and made once though several replicas look at once', async () => {
    const { id, secret } = await hook()
    await rule({ kind: 'key_expiry', days: 7 }, { webhookIds: [id] })
    await createKey(db.orm, author(), CreateKey.parse({ name: '<script>=cmd|\u202E😀', expiresAt: new Date(Date.now() + 86_400_000).toISOString() }))
    await Promise.all([job().evaluate(), job().evaluate(), job().evaluate()])
    await Promise.all([deliverer().run(), deliverer().run(), deliverer().run()])
    expect(receiver.received).toHaveLength(1)
    const { headers, body } = receiver.received[0] ?? { headers: {}, body: '' }
    const sentAt = new Date(Number(headers['webhook-timestamp']) * 1000)
    expect(headers).toMatchObject(signWebhook(secret, String(headers['webhook-id']), sentAt, body))
    expect(Math.abs(Date.now() - sentAt.getTime())).toBeLessThan(60_000)
    expect(AlertPayload.parse(JSON.parse(body))).toMatchObject({ type: 'alert.key_expiry', data: { organisation: { id: workspace.orgId }, rule: { name: 'told' }, details: { name: '<script>=cmd|\u202E😀' } } })
    expect(await deliveries()).toMatchObject([{ status: 'delivered', responseStatus: 204, attempts: 1, recipient: 'ops' }])
    expect(body).not.toContain(secret)
  })

  test('that fails is made again with growing pauses, under the same id, until it has failed for good; then by hand', async () => {
    const { id } = await hook()
    await testWebhook(db.orm, author(), id)
    receiver.answer.status = 500
    let now = Date.now() + 1_000
    const deliver = deliverer()
    const before = await countedDeliveries()
    for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
      expect(await deliver.run(new Date(now))).toBe(1)
      expect(await deliver.run(new Date(now))).toBe(0)
      const [delivery] = await deliveries()
      expect(delivery).toMatchObject({ attempts: attempt, status: attempt < MAX_ATTEMPTS ? 'pending' : 'failed', responseStatus: 500 })
      if (delivery?.nextAttemptAt) {
        const next = Date.parse(delivery.nextAttemptAt)
        expect(next).toBeGreaterThan(now)
        expect(await deliver.run(new Date(next - 1))).toBe(0)
        now = next
      }
    }
    expect(await deliver.run(new Date(now + 10 * 86_400_000))).toBe(0)
    expect(new Set(receiver.received.map(({ headers }) => headers['webhook-id'])).size).toBe(1)
    receiver.answer.status = 200
    const [failed] = await deliveries()
    await resendDelivery(db.orm, author(), failed?.id ?? '')
    await deliver.run(new Date(Date.now() + 1_000))
    expect(await deliveries()).toMatchObject([{ status: 'delivered', attempts: 1 }])
    const after = await countedDeliveries()
    expect(['retried', 'failed', 'delivered'].map(outcome => after(outcome) - before(outcome))).toEqual([MAX_ATTEMPTS - 1, 1, 1])
  })

  test('follows no redirect', async () => {
    const elsewhere = await startWebhookReceiver()
    const { id } = await hook()
    Object.assign(receiver.answer, { status: 307, location: elsewhere.url })
    await testWebhook(db.orm, author(), id)
    await deliverer().run()
    expect(elsewhere.received).toEqual([])
    expect(await deliveries()).toMatchObject([{ status: 'pending', responseStatus: 307 }])
    await elsewhere.stop()
  })

  test('to a webhook deleted or switched off meanwhile is told to be so', async () => {
    const [{ id }, other] = [await hook(), await createWebhook(db.orm, keyring, author(), { name: 'other', url: receiver.url })]
    await testWebhook(db.orm, author(), id)
    await testWebhook(db.orm, author(), other.id)
    await deleteWebhook(db.orm, author(), id)
    await updateWebhook(db.orm, author(), other.id, { enabled: false })
    await deliverer().run()
    expect(receiver.received).toEqual([])
    expect((await deliveries()).map(({ error }) => error)).toEqual(Array(2).fill('The webhook was deleted or switched off.'))
  })

  test('by mail goes to each address once, and says so where no mail is sent', async () => {
    const sent: string[] = []
    const mailer: Mailer = { send: ({ to, subject, text }) => (sent.push(`${to} ${subject} ${text.includes('Rule: told')}`), Promise.resolve({ delivered: true, responseStatus: null, error: null })), close: () => {} }
    await rule({ kind: 'key_expiry', days: 7 }, { emails: ['a@example.com', 'a@example.com', 'b@example.com'] })
    await createKey(db.orm, author(), CreateKey.parse({ name: 'k', expiresAt: new Date(Date.now() + 86_400_000).toISOString() }))
    await job().evaluate()
    await deliverer().run()
    expect((await deliveries()).map(({ error }) => error)).toEqual(Array(2).fill(expect.stringContaining('SMTP_URL')))
    await deliverer(mailer).run(new Date(Date.now() + 60_000))
    expect(sent.sort()).toEqual([expect.stringMatching(/^a@example.com \[Loom\] The key “k”.* true$/), expect.stringMatching(/^b@example.com/)])
  })
})

describe('one org', () => {
  /** Due for so many minutes, oldest first. */
  const due = async (count: number, row: Partial<typeof alertDeliveries.$inferInsert> & Pick<typeof alertDeliveries.$inferInsert, 'orgId'>) => {
    const eventId = uuidv7()
    await db.orm.insert(alertEvents).values({ id: eventId, orgId: row.orgId, kind: 'errors', dedupeKey: eventId, summary: 'told' })
    const rows = Array.from({ length: count }, (_, index) => ({ eventId, channel: 'webhook' as const, recipient: 'ops', nextAttemptAt: new Date(Date.now() - (count - index) * 60_000), ...row }))
    return (await db.orm.insert(alertDeliveries).values(rows).returning({ id: alertDeliveries.id })).map(({ id }) => id)
  }

  test('with many deliveries leaves the others theirs', async () => {
    await due(30, { orgId: workspace.orgId, webhookId: (await hook()).id })
    const other = await seedWorkspace(db.orm)
    const { id } = await createWebhook(db.orm, keyring, { principal: { ...other.principal, platformAdmin: true }, ip: null }, { name: 'other', url: receiver.url })
    const [theirs] = await due(1, { orgId: other.orgId, webhookId: id, nextAttemptAt: new Date() })
    expect(await deliverer().run(new Date(Date.now() + 1_000))).toBe(31)
    // Of the first ten, which go at once.
    expect(receiver.received.slice(0, 10).map(({ headers }) => headers['webhook-id'])).toContain(theirs)
  })

  test('has five deliveries to a webhook put on their way by hand, and more once those were attempted', async () => {
    const { id } = await hook()
    const failed = await due(6, { orgId: workspace.orgId, webhookId: id, status: 'failed' })
    for (const delivery of failed.slice(0, 4)) await resendDelivery(db.orm, author(), delivery)
    await testWebhook(db.orm, author(), id)
    await expect(testWebhook(db.orm, author(), id)).rejects.toMatchObject({ code: 'conflict' })
    await expect(resendDelivery(db.orm, author(), failed[5] ?? '')).rejects.toMatchObject({ code: 'conflict' })
    expect(await deliverer().run(new Date(Date.now() + 1_000))).toBe(5)
    await resendDelivery(db.orm, author(), failed[5] ?? '')
    await testWebhook(db.orm, author(), id)
  })

  test('has some hundred mails a day sent to addresses that no member has, those sent again among them, and to members any number', async () => {
    const sent: string[] = []
    const mailer: Mailer = { send: ({ to }) => (sent.push(to), Promise.resolve({ delivered: true, responseStatus: null, error: null })), close: () => {} }
    const member = `${workspace.userId}@loom.test`
    const [first = ''] = await due(115, { orgId: workspace.orgId, channel: 'email', recipient: 'stranger@example.com' })
    await due(2, { orgId: workspace.orgId, channel: 'email', recipient: member, nextAttemptAt: new Date() })
    await deliverer(mailer).run(new Date(Date.now() + 1_000))
    const outside = sent.filter(to => to !== member).length
    expect(outside).toBeGreaterThanOrEqual(100)
    // Ten go at once.
    expect(outside).toBeLessThan(110)
    expect(sent.filter(to => to === member)).toHaveLength(2)
    expect(await deliveries()).toContainEqual(expect.objectContaining({ status: 'pending', error: expect.stringContaining('100 mails') }))
    await resendDelivery(db.orm, author(), first)
    await deliverer(mailer).run(new Date(Date.now() + 2_000))
    expect(sent).toHaveLength(outside + 2)
  })
})

test('what was told is forgotten when it is old enough, with its deliveries: not what is on its way, and what may last only when nobody remembers', async () => {
  const now = new Date()
  const { id: ruleId } = await rule({ kind: 'budget', percents: [80] })
  const tell = async (kind: 'budget' | 'errors', ageDays: number, status: 'delivered' | 'pending') => {
    const event = { id: uuidv7(), orgId: workspace.orgId, ruleId, kind, dedupeKey: `${kind}:${ageDays}:${status}`, summary: `${kind}, ${ageDays} days ago, ${status}`, createdAt: new Date(now.getTime() - ageDays * 86_400_000) }
    await db.orm.insert(alertEvents).values(event)
    await db.orm.insert(alertDeliveries).values({ orgId: workspace.orgId, eventId: event.id, channel: 'email', recipient: 'a@loom.test', status, nextAttemptAt: new Date(now.getTime() + 86_400_000) })
  }
  for (const status of ['delivered', 'pending'] as const) {
    for (const kind of ['budget', 'errors'] as const) for (const age of [1, ALERT_LOG_DAYS + 1, LASTING_ALERT_DAYS + 1]) await tell(kind, age, status)
  }
  await forgetAlerts(db, now)
  const kept = [
    ...['budget', 'errors'].flatMap(kind => [1, 91, 401].map(age => `${kind}, ${age} days ago, pending`)),
    'budget, 1 days ago, delivered', 'budget, 91 days ago, delivered', 'errors, 1 days ago, delivered'
  ]
  expect((await told()).sort()).toEqual(kept.sort())
  expect((await deliveries()).map(({ summary }) => summary).sort()).toEqual(kept.sort())
  expect(await forgetAlerts(db, now)).toBe(0)
})

describe('a webhook\'s address', () => {
  const tenant = () => ({ principal: workspace.principal, ip: null })
  for (const url of ['http://127.0.0.1/', 'http://localhost:8080/', 'http://[::1]/', 'http://169.254.169.254/latest', 'http://10.0.0.1', 'http://0x7f.1/', 'http://intranet/', 'http://[::ffff:10.0.0.1]/', 'https://user:secret@example.com/']) {
    test(`${url} is refused to tenants`, async () => {
      await expect(createWebhook(db.orm, keyring, tenant(), { name: 'x', url })).rejects.toMatchObject({ code: 'invalid_request' })
      const { id } = await createWebhook(db.orm, keyring, tenant(), { name: 'x', url: 'https://example.com' })
      await expect(updateWebhook(db.orm, tenant(), id, { url })).rejects.toMatchObject({ code: 'invalid_request' })
    })
  }

  test('with a public name that leads into a private network is never reached', async () => {
    const { port } = new URL(receiver.url)
    const attempt = await sender.send(new URL(`http://localtest.loom.invalid:${port}/`), 'whsec_AAAA', 'id', '{}')
    expect(attempt).toMatchObject({ delivered: false, responseStatus: null })
    expect(attempt.error).not.toContain('127.0.0.1')
  })
})

test('the signing secret is stored sealed, and no list tells it', async () => {
  const { id, secret } = await hook()
  const rows = JSON.stringify(await db.query('select * from alert_webhooks where id = $1', [id]), (_, value: unknown) => typeof value === 'bigint' ? String(value) : Buffer.isBuffer(value) ? value.toString('latin1') : value)
  expect(rows).not.toContain(secret.slice(6, 20))
  expect(JSON.stringify(await db.orm.select().from(auditLogs).where(eq(auditLogs.orgId, workspace.orgId)))).not.toContain(secret)
  expect(await db.orm.select().from(alertDeliveries).where(eq(alertDeliveries.orgId, workspace.orgId))).toEqual([])
})
