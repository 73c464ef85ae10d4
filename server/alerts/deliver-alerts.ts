import { and, asc, eq, inArray, lte, sql } from 'drizzle-orm'
import type { Orm, Database } from '../../db/client'
import { alertDeliveries, alertEvents, alertRules, alertWebhooks, orgs } from '../../db/schema'
import type { AlertPayload } from '../../shared/alerts'
import type { Keyring } from '../crypto/keyring'
import type { Log } from '../operations/log'
import type { Metrics } from '../operations/metrics'
import type { Mailer } from './mailer'
import { mayMail, OUTSIDE_MAILS_A_DAY } from './may-mail'
import { MAX_ATTEMPTS, retryDelayMs } from './retry-delay'
import { openWebhookSecret } from './seal-webhook-secret'
import type { Attempted, WebhookSender } from './send-webhook'

const BATCH = 10
/** After a round in which some receiver took as long, the next run begins with what has become due meanwhile. */
const SLOW_ROUND_MS = 5_000

interface Parts { db: Pick<Database, 'orm'>, keyring: Keyring, webhooks: WebhookSender, mailer: Mailer | undefined, metrics: Metrics, log: Log }
type Due = Awaited<ReturnType<typeof readDue>>[number]

/**
 * Makes the deliveries that are due, on every replica. A delivery is claimed by moving its next attempt on, so each attempt is one replica's, and
 * those of a process that died are made again; the receiver tells such a repeat by its `webhook-id`.
 */
export class AlertDeliverer {
  constructor(private readonly parts: Parts) {}

  /** @returns how many attempts were made: of all that are due at `now`, unless receivers are slow */
  async run(now = new Date()): Promise<number> {
    let made = 0
    let startedAt = performance.now()
    for (let claimed = await this.claim(now); claimed.length > 0; claimed = await this.claim(now)) {
      made += claimed.length
      const due = await readDue(this.parts.db.orm, claimed)
      await Promise.all(due.map(delivery => this.attempt(delivery)))
      if (performance.now() - startedAt > SLOW_ROUND_MS) break
      startedAt = performance.now()
    }
    return made
  }

  /** By turns of the orgs, so that receivers of one that never answer leave room for the others. */
  private async claim(now: Date): Promise<string[]> {
    return this.parts.db.orm.transaction(async (transaction) => {
      const isDue = and(eq(alertDeliveries.status, 'pending'), lte(alertDeliveries.nextAttemptAt, now))
      const place = sql<number>`row_number() over (partition by ${alertDeliveries.orgId} order by ${alertDeliveries.nextAttemptAt})`.as('place')
      const placed = transaction.select({ id: alertDeliveries.id, place }).from(alertDeliveries).where(isDue).as('placed')
      const due = await transaction.select({ id: alertDeliveries.id, attempts: alertDeliveries.attempts }).from(alertDeliveries).innerJoin(placed, eq(placed.id, alertDeliveries.id))
        .where(isDue).orderBy(asc(placed.place), asc(alertDeliveries.nextAttemptAt)).limit(BATCH).for('update', { of: alertDeliveries, skipLocked: true })
      for (const { id, attempts } of due) {
        await transaction.update(alertDeliveries).set({ attempts: attempts + 1, nextAttemptAt: new Date(now.getTime() + retryDelayMs(attempts + 1)) }).where(eq(alertDeliveries.id, id))
      }
      return due.map(({ id }) => id)
    })
  }

  private async attempt(due: Due): Promise<void> {
    const { db, metrics, log } = this.parts
    const startedAt = performance.now()
    const { delivered, responseStatus, error } = await this.send(due)
    const { id, orgId, channel, attempts } = due.delivery
    const isOver = !delivered && attempts >= MAX_ATTEMPTS
    metrics.alertDeliveries.inc({ channel, outcome: delivered ? 'delivered' : isOver ? 'failed' : 'retried' })
    if (!delivered) log.warn({ orgId, deliveryId: id, channel, attempts, responseStatus, error }, 'An alert could not be delivered')
    // One that arrived while it was asked for again has arrived.
    await db.orm.update(alertDeliveries).set({
      status: delivered ? 'delivered' : isOver ? 'failed' : 'pending', responseStatus, error, latencyMs: Math.round(performance.now() - startedAt), deliveredAt: delivered ? sql`now()` : null
    }).where(and(eq(alertDeliveries.id, id), eq(alertDeliveries.orgId, orgId), delivered ? undefined : eq(alertDeliveries.attempts, attempts)))
  }

  private async send({ delivery, event, webhook, rule, org }: Due): Promise<Attempted> {
    const { keyring, webhooks, mailer } = this.parts
    const refused = (error: string): Attempted => ({ delivered: false, responseStatus: null, error })
    if (delivery.channel === 'email') {
      if (!mailer) return refused('This installation sends no e-mail: SMTP_URL is not set.')
      if (!await mayMail(this.parts.db.orm, delivery)) return refused(`This organisation has had ${OUTSIDE_MAILS_A_DAY} mails sent within a day to addresses that no member has.`)
      return mailer.send({ id: delivery.id, to: delivery.recipient, subject: `[Loom] ${event.summary}`.slice(0, 200), text: toText(event.summary, org.name, rule?.name) })
    }
    if (!webhook?.enabled) return refused('The webhook was deleted or switched off.')
    try {
      const secret = openWebhookSecret(keyring, webhook)
      return await webhooks.send(new URL(webhook.url), secret, delivery.id, JSON.stringify(toPayload({ event, rule, org })))
    } catch (error) {
      this.parts.log.error({ err: error, orgId: webhook.orgId, webhookId: webhook.id }, 'The secret of a webhook cannot be read')
      return refused('The webhook\'s signing secret cannot be read: rotate it.')
    }
  }
}

async function readDue(orm: Orm, ids: string[]) {
  return orm.select({ delivery: alertDeliveries, event: alertEvents, webhook: alertWebhooks, rule: { id: alertRules.id, name: alertRules.name }, org: { id: orgs.id, name: orgs.name } })
    .from(alertDeliveries)
    .innerJoin(alertEvents, and(eq(alertEvents.id, alertDeliveries.eventId), eq(alertEvents.orgId, alertDeliveries.orgId)))
    .innerJoin(orgs, eq(orgs.id, alertDeliveries.orgId))
    .leftJoin(alertWebhooks, and(eq(alertWebhooks.id, alertDeliveries.webhookId), eq(alertWebhooks.orgId, alertDeliveries.orgId)))
    .leftJoin(alertRules, and(eq(alertRules.id, alertEvents.ruleId), eq(alertRules.orgId, alertDeliveries.orgId)))
    .where(inArray(alertDeliveries.id, ids))
}

function toPayload({ event, rule, org }: Pick<Due, 'event' | 'rule' | 'org'>): AlertPayload {
  return { type: `alert.${event.kind}`, timestamp: event.createdAt.toISOString(), data: { eventId: event.id, organisation: org, rule, summary: event.summary, details: Object(event.details) } }
}

function toText(summary: string, org: string, rule: string | undefined): string {
  return `${summary}\n\nOrganisation: ${org}\nRule: ${rule ?? 'none'}\n\nWhat you are told of, and how, is set under Dashboard, Alerts.\n`
}
