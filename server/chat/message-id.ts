import { v7 as uuidv7 } from 'uuid'

/**
 * An id for the message that comes after `previous`. Ids order a thread, so this one sorts after it even where another replica's
 * clock, which made `previous`, runs ahead of ours.
 */
export function nextMessageId(previous: string | undefined, now = Date.now()): string {
  const floor = previous === undefined ? 0 : timestampOf(previous) + 1
  return floor > now ? uuidv7({ msecs: floor }) : uuidv7()
}

/** The milliseconds since 1970 in the first 48 bits of a UUIDv7. Source: RFC 9562, section 5.7. */
export function timestampOf(id: string): number {
  return Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16)
}
