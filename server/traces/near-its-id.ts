import { and, gte, lt } from 'drizzle-orm'
import type { SQL } from 'drizzle-orm'
import { traces } from '../../db/schema'
import { timestampOf } from '../chat/message-id'

const DAY_MS = 86_400_000
/** Beyond, a year has five digits, and PostgreSQL reads it in no way that we write it. */
const LAST_MS = Date.UTC(9999, 11, 30)

/** Of traces: made within a day of what this id tells, so that one month is looked into, or two, rather than all. Undefined for an id that tells no time. */
export function nearItsId(id: string): SQL | undefined {
  const ms = timestampOf(id)
  if (id[14] !== '7' || ms > LAST_MS) return undefined
  return and(gte(traces.createdAt, new Date(ms - DAY_MS)), lt(traces.createdAt, new Date(ms + DAY_MS)))
}
