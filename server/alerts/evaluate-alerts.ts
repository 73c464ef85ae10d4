import { and, eq, isNull, ne } from 'drizzle-orm'
import type { Database } from '../../db/client'
import { alertRules, orgs } from '../../db/schema'
import { AlertCondition } from '../../shared/alerts'
import type { TargetHealth } from '../gateway/target-health'
import type { Log } from '../operations/log'
import { takeTurn } from '../operations/take-turn'
import { findBudgetOccasions, findCircuitOccasions, findErrorOccasions, findKeyOccasions, findWalletOccasions } from './find-occasions'
import type { Resting } from './find-occasions'
import { raiseAlert } from './raise-alert'
import type { AlertRuleRow, Occasion } from './raise-alert'

const activeRules = (db: Pick<Database, 'orm'>) => db.orm.select({ rule: alertRules }).from(alertRules).innerJoin(orgs, and(eq(orgs.id, alertRules.orgId), eq(orgs.status, 'active'), isNull(orgs.deletedAt)))

/**
 * Looks whether what rules ask about has happened, off the hot path. What the database tells, one replica looks at in each interval; what
 * rests is known to each replica alone, so each tells of its own. An event is made once whoever saw it.
 */
export class AlertsJob {
  constructor(private readonly db: Database, private readonly health: Pick<TargetHealth, 'resting'>, private readonly intervalMs: number, private readonly log: Log) {}

  async run(now = new Date()): Promise<void> {
    const resting = this.health.resting()
    if (resting.length > 0) await this.tellCircuits(resting, now)
    if (await takeTurn(this.db, 'alerts', this.intervalMs * 0.9)) await this.evaluate(now)
  }

  /** Everything but circuits. One rule that cannot be judged does not keep the others from it. */
  async evaluate(now = new Date()): Promise<void> {
    const rules = await activeRules(this.db).where(and(eq(alertRules.enabled, true), ne(alertRules.kind, 'circuit')))
    for (const { rule } of rules) await this.tell(rule, () => this.find(rule, now))
  }

  private async tellCircuits(resting: readonly Resting[], now: Date): Promise<void> {
    const rules = await activeRules(this.db).where(and(eq(alertRules.enabled, true), eq(alertRules.kind, 'circuit')))
    for (const { rule } of rules) await this.tell(rule, () => findCircuitOccasions(this.db.orm, rule.orgId, resting, now))
  }

  private async tell(rule: AlertRuleRow, find: () => Promise<Occasion[]>): Promise<void> {
    try {
      for (const occasion of await find()) {
        if (await raiseAlert(this.db.orm, rule, occasion)) this.log.info({ orgId: rule.orgId, ruleId: rule.id, kind: rule.kind }, 'An alert was raised')
      }
    } catch (error) {
      this.log.error({ err: error, orgId: rule.orgId, ruleId: rule.id }, 'An alert rule could not be judged')
    }
  }

  private async find(rule: AlertRuleRow, now: Date): Promise<Occasion[]> {
    const condition = AlertCondition.parse(rule.config)
    const { orm } = this.db
    if (condition.kind === 'budget') return findBudgetOccasions(orm, rule.orgId, condition, now)
    if (condition.kind === 'wallet') return findWalletOccasions(orm, rule.orgId, condition)
    if (condition.kind === 'errors') return findErrorOccasions(orm, rule.orgId, condition, now)
    return condition.kind === 'key_expiry' ? findKeyOccasions(orm, rule.orgId, condition, now) : []
  }
}
