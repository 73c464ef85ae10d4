import { and, eq, gt, notInArray, sql } from 'drizzle-orm'
import type { Orm } from '../../db/client'
import { alertDeliveries, orgMembers, users } from '../../db/schema'

/** Enough for lists and desks on call, too few for whoever would write to strangers. Those on their way are not counted yet, so a few more may go. */
export const OUTSIDE_MAILS_A_DAY = 100

/** Whether an org may have another mail sent to this address: to its members always, to anybody else so many a day in all. */
export async function mayMail(orm: Orm, { orgId, recipient }: { orgId: string, recipient: string }): Promise<boolean> {
  const addresses = orm.select({ email: users.email }).from(users).innerJoin(orgMembers, eq(orgMembers.userId, users.id)).where(eq(orgMembers.orgId, orgId))
  const members = new Set((await addresses).map(({ email }) => email))
  if (members.has(recipient)) return true
  const sent = and(eq(alertDeliveries.orgId, orgId), eq(alertDeliveries.channel, 'email'), gt(alertDeliveries.deliveredAt, sql`now() - interval '1 day'`), notInArray(alertDeliveries.recipient, [...members]))
  return await orm.$count(alertDeliveries, sent) < OUTSIDE_MAILS_A_DAY
}
