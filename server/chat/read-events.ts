import { and, asc, eq, gt, inArray } from 'drizzle-orm'
import { z } from 'zod'
import type { Orm } from '../../db/client'
import { messageEvents } from '../../db/schema'
import { ChatEvent } from '../../shared/chat-events'
import type { NumberedEvent } from './event-log'

const Events = z.array(ChatEvent)

/** What the log holds of a running answer after its event `after`, in order. */
export async function readEvents(orm: Orm, orgId: string, messageId: string, after: number): Promise<NumberedEvent[]> {
  const rows = await orm.select({ first: messageEvents.first, events: messageEvents.events }).from(messageEvents)
    .where(and(eq(messageEvents.orgId, orgId), eq(messageEvents.messageId, messageId), gt(messageEvents.last, after)))
    .orderBy(asc(messageEvents.first))
  return rows.flatMap(toEvents).filter(({ id }) => id > after)
}

/** Ends the log of answers whose parts are stored. */
export async function dropEvents(tx: Orm, orgId: string, messageIds: string[]): Promise<void> {
  await tx.delete(messageEvents).where(and(eq(messageEvents.orgId, orgId), inArray(messageEvents.messageId, messageIds)))
}

function toEvents({ first, events }: { first: number, events: string }): NumberedEvent[] {
  return Events.parse(JSON.parse(events)).map((event, index) => ({ id: first + index, event }))
}
