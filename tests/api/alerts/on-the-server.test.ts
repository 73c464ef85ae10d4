import { afterAll, beforeAll, expect, test } from 'vitest'
import { AlertDeliveryPage, AlertSettings, CreatedAlertWebhook } from '../../../shared/alerts'
import { CreatedApiKey } from '../../../shared/keys'
import type { LoomServer } from '../../support/loom-server'
import type { SmtpReceiver } from '../../support/smtp-receiver'
import { startSmtpReceiver } from '../../support/smtp-receiver'
import { startLoom } from '../../support/start-loom'
import { until } from '../../support/until'
import type { Visitor } from '../../support/visitor'
import { join, setUp, signUp } from '../../support/visitor'
import type { WebhookReceiver } from '../../support/webhook-receiver'
import { startWebhookReceiver } from '../../support/webhook-receiver'

let loom: LoomServer
let owner: Visitor
let receiver: WebhookReceiver
let mail: SmtpReceiver
beforeAll(async () => {
  receiver = await startWebhookReceiver()
  mail = await startSmtpReceiver()
  loom = await startLoom({ env: { ALERTS_INTERVAL_MS: '300', SMTP_URL: mail.url, SMTP_FROM: 'Loom <loom@example.com>', NEW_ORG_WALLET: 'unlimited' } })
  owner = await setUp(loom)
})
afterAll(async () => {
  await loom?.remove()
  await receiver?.stop()
  await mail?.stop()
})

test('a spent budget is told by webhook and by mail, once each, and nothing a name holds breaks out of the mail', async () => {
  const { id, secret } = CreatedAlertWebhook.parse((await owner.succeed('POST', '/api/alerts/webhooks', { name: 'ops', url: receiver.url })).body)
  expect(secret).toMatch(/^whsec_/)
  await owner.succeed('POST', '/api/alerts/rules', { name: 'spent', condition: { kind: 'budget', percents: [50, 1] }, webhookIds: [id], emails: ['Ops@Example.com'] })
  const { key } = CreatedApiKey.parse((await owner.succeed('POST', '/api/keys', { name: 'x\r\nBcc: thief@example.com\r\n\r\n<b>', limits: { budgets: { total: '0.001' } } })).body)
  const answer = await fetch(`${loom.url}/v1/chat/completions`, {
    method: 'POST', headers: { 'authorization': `Bearer ${key}`, 'content-type': 'application/json' }, body: JSON.stringify({ model: 'demo', max_tokens: 500, messages: [{ role: 'user', content: 'many words please '.repeat(20) }] })
  })
  expect(answer.status).toBe(200)
  await until(() => receiver.received.length > 0 && mail.received.length > 0, { timeoutMs: 60_000, what: () => 'the alert to arrive both ways' })
  const [told] = mail.received
  expect(told?.to).toEqual(['ops@example.com'])
  expect(told?.text.split('\n\n')[0]).not.toMatch(/^Bcc:/m)
  const { items } = AlertDeliveryPage.parse((await owner.succeed('GET', '/api/alerts/deliveries?status=delivered')).body)
  expect(items.map(({ channel }) => channel).sort()).toEqual(['email', 'webhook'])
  await owner.succeed('POST', `/api/alerts/deliveries/${items[0]?.id}/resend`)
  await until(() => receiver.received.length + mail.received.length === 3, { timeoutMs: 60_000, what: () => 'the alert that was sent again' })
})

test('settings tell no secret, are closed to members, and a filter or cursor of no sense is refused', async () => {
  const settings = AlertSettings.parse((await owner.succeed('GET', '/api/alerts')).body)
  expect(settings.emailAvailable).toBe(true)
  expect(JSON.stringify(settings)).not.toContain('whsec_')
  const member = await join(owner, 'member@example.com', 'member')
  expect((await member.call('GET', '/api/alerts')).status).toBe(403)
  const tenant = await signUp(owner, 'tenant@example.com')
  expect((await tenant.call('POST', '/api/alerts/webhooks', { name: 'x', url: receiver.url })).status).toBe(400)
  expect(AlertDeliveryPage.parse((await tenant.succeed('GET', '/api/alerts/deliveries')).body).items).toEqual([])
  for (const query of ['?status=lost', '?cursor=1', '?limit=0', '?limit=1000']) expect((await owner.call('GET', `/api/alerts/deliveries${query}`)).status).toBe(400)
  for (const condition of [{ kind: 'budget', percents: [] }, { kind: 'budget', percents: [101] }, { kind: 'wallet', belowUsd: '-1' }, { kind: 'errors', percent: 0, minutes: 1, minCalls: 1 }, { kind: 'rain' }, { kind: 'circuit', extra: 1 }]) {
    expect((await owner.call('POST', '/api/alerts/rules', { name: 'x', condition })).status, JSON.stringify(condition)).toBe(400)
  }
})
