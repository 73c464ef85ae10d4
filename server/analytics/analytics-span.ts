import { eq } from 'drizzle-orm'
import { z } from 'zod'
import type { Orm } from '../../db/client'
import { orgs } from '../../db/schema'
import type { AnalyticsBucket, AnalyticsQuery, AnalyticsWindow } from '../../shared/analytics'
import { findWindow } from '../policy/budget-window'

/** The hours [from, to) that are looked at, and where days begin. */
export interface AnalyticsSpan { from: Date, to: Date, timeZone: string }

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const daysOf: Record<Exclude<AnalyticsWindow, '24h'>, number> = { '7d': 7, '30d': 30, '90d': 90, '365d': 365 }

const OrgTime = z.object({ timeZone: z.string().default('UTC') })

/** What a query asks for; a window of days begins with a whole day of its time zone. */
export async function findSpan(orm: Orm, orgId: string, { window, from, to, timeZone }: Pick<AnalyticsQuery, 'window' | 'from' | 'to' | 'timeZone'>, now = new Date()): Promise<AnalyticsSpan> {
  const zone = timeZone ?? await findOrgTimeZone(orm, orgId)
  if (from) return { from: wholeHour(new Date(from)), to: to ? new Date(to) : now, timeZone: zone }
  if (window === '24h') return { from: new Date(wholeHour(now).getTime() - 23 * HOUR_MS), to: now, timeZone: zone }
  // Noon of a day is in that day, whatever the clocks do on the way back.
  const today = findWindow('day', now.getTime(), zone).startsAtMs
  const first = findWindow('day', today + DAY_MS / 2 - (daysOf[window] - 1) * DAY_MS, zone).startsAtMs
  return { from: wholeHour(new Date(first)), to: now, timeZone: zone }
}

/** The span of the same length right before; it begins no earlier than 1970, when there were no calls. */
export function spanBefore({ from, to, timeZone }: AnalyticsSpan): AnalyticsSpan {
  const length = wholeHour(new Date(to.getTime() + HOUR_MS - 1)).getTime() - from.getTime()
  return { from: new Date(Math.max(from.getTime() - length, 0)), to: new Date(Math.max(to.getTime() - length, 0)), timeZone }
}

/** When each bucket of the span begins: the first with the span, the others as its time zone says. */
export function listBuckets({ from, to, timeZone }: AnalyticsSpan, bucket: AnalyticsBucket): Date[] {
  const starts = [from]
  for (let at = from; ;) {
    at = bucket === 'hour' ? new Date(at.getTime() + HOUR_MS) : wholeHour(new Date(nextStart(at, bucket, timeZone)))
    if (at >= to) return starts
    starts.push(at)
  }
}

/** A start that was rounded down to the whole hour lies in the period before: an hour later it is surely in its own. */
function nextStart(at: Date, bucket: 'day' | 'week' | 'month', timeZone: string): number {
  return findWindow(bucket, at.getTime() + HOUR_MS - 1, timeZone).endsAtMs
}

function wholeHour(at: Date): Date {
  return new Date(Math.floor(at.getTime() / HOUR_MS) * HOUR_MS)
}

async function findOrgTimeZone(orm: Orm, orgId: string): Promise<string> {
  const [org] = await orm.select({ settings: orgs.settings }).from(orgs).where(eq(orgs.id, orgId))
  return OrgTime.parse(org?.settings ?? {}).timeZone
}
