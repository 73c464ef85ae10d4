import { and, eq, sql } from 'drizzle-orm'
import type { Orm } from '../../db/client'
import { apiKeys, orgs } from '../../db/schema'
import type { OrgDetails, UpdateOrg } from '../../shared/identity'
import { KeyLimits, Policy } from '../../shared/policy'
import { recordChange } from '../audit/record'
import type { Author } from '../audit/record'
import { LoomError } from '../errors'
import { BudgetTimes, keepWindows } from '../policy/budget-window'
import { requireVersion } from '../versions/require-version'
import { getOrg } from './get-org'
import type { Principal } from './principal'

/**
 * Changes the author's org's name and settings; every replica knows within a second. With the time zone, the running periods of its budgets go on to their end.
 * @param version of the org as the author saw it; undefined: whatever it is now
 * @throws {LoomError} `conflict` when it is another by now; `forbidden` for the time zone from a key that a budget binds
 */
export async function updateOrg(orm: Orm, author: Author, change: UpdateOrg, version?: string): Promise<OrgDetails> {
  return orm.transaction(async (transaction) => {
    const [stored] = await transaction.select({ settings: orgs.settings, policy: orgs.policy }).from(orgs).where(eq(orgs.id, author.principal.orgId)).for('no key update')
    const { id, name, timeZone, traceBodies, webTools } = await getOrg(transaction, author.principal)
    const before = { name, timeZone, traceBodies, webTools }
    await requireVersion(transaction, { orgId: id, target: `org:${id}`, actions: ['org.update'], fields: before, expected: version })
    const after = { ...before, ...change }
    const { name: _name, ...told } = after
    const isMoved = after.timeZone !== before.timeZone
    if (isMoved) await requireUnbound(transaction, author.principal, stored?.policy)
    const settings = { ...told, ...isMoved && { keptWindows: keepWindows(BudgetTimes.parse(stored?.settings ?? {}), after.timeZone, Date.now()) } }
    await transaction.update(orgs).set({ name: after.name, settings: sql`${orgs.settings} || ${JSON.stringify(settings)}::jsonb` }).where(eq(orgs.id, id))
    await recordChange(transaction, author, { action: 'org.update', target: `org:${id}`, before, after })
    await transaction.execute(sql`select pg_notify('loom_orgs', ${id})`)
    return getOrg(transaction, author.principal)
  })
}

/** When its budgets begin anew is not for a key to say. One of a project, whose budgets bind it too, changes nothing of its org. */
async function requireUnbound(transaction: Orm, { keyId, orgId }: Principal, orgPolicy: unknown): Promise<void> {
  if (keyId === null) return
  const [key] = await transaction.select({ limits: apiKeys.limits }).from(apiKeys).where(and(eq(apiKeys.id, keyId), eq(apiKeys.orgId, orgId)))
  const budgets = { ...KeyLimits.parse(key?.limits ?? {}).budgets, ...Policy.parse(orgPolicy ?? {}).budgets }
  if (Object.keys(budgets).length === 0) return
  throw new LoomError('forbidden', 'A key that a budget binds, its own or its organisation\'s, does not change the time zone by which budgets begin anew. Do it in the browser, or with a key that has none.', { param: 'timeZone' })
}
