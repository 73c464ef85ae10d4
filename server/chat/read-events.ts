import { and, asc, eq, gt, inArray, sql } from 'drizzle-orm'
import { z } from 'zod'
import type { Orm } from '../../db/client'
import { messageEvents } from '../../db/schema'
import { ChatEvent } from '../../shared/chat-events'
import type { NumberedEvent } from './event-log'

const Events = z.array(ChatEvent)
const Log = z.array(z.object({ first: z.int(), events: Events }))

/** In a select from `messages`: what the log holds of each running answer, in order; nothing of a settled one. */
export const eventsOfRunning = sql`coalesce((
  select json_agg(json_build_object('first', log.first, 'events', log.events::json) order by log.first) from message_events log
  where messages.status in ('pending', 'streaming') and log.org_id = messages.org_id and log.message_id = messages.id
), '[]')`.mapWith((log: unknown) => Log.parse(log).flatMap(toNumbered))

/** What the log holds of a running answer after its event `after`, in order. */
export async function readEvents(orm: Orm, orgId: string, messageId: string, after: number): Promise<NumberedEvent[]> {
  const rows = await orm.select({ first: messageEvents.first, events: messageEvents.events }).from(messageEvents)
    .where(and(eq(messageEvents.orgId, orgId), eq(messageEvents.messageId, messageId), gt(messageEvents.last, after)))
    .orderBy(asc(messageEvents.first))
  return rows.flatMap(({ first, events }) => toNumbered({ first, events: Events.parse(JSON.parse(events)) })).filter(({ id }) => id > after)
}

/** Ends the log of answers whose parts are stored. */
export async function dropEvents(tx: Orm, orgId: string, messageIds: string[]): Promise<void> {
  await tx.delete(messageEvents).where(and(eq(messageEvents.orgId, orgId), inArray(messageEvents.messageId, messageIds)))
}

function toNumbered({ first, events }: { first: number, events: ChatEvent[] }): NumberedEvent[] {
  return events.map((event, index) => ({ id: first + index, event }))
}
