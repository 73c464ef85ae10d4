import type { Translate } from './translate'

const DAY_MS = 86_400_000

interface Dated { pinned: boolean, lastActiveAt: string }
export interface Group<Item> { title: string, items: Item[] }

/** A list in its order, parted as people remember it: pinned, today, yesterday, this week, then by month; days are the reader's. */
export function groupByDay<Item extends Dated>(items: readonly Item[], now: Date, t: Translate): Group<Item>[] {
  const groups: Group<Item>[] = []
  for (const item of items) {
    const title = item.pinned ? t('conversation.days.pinned') : titleOf(new Date(item.lastActiveAt), now, t)
    const last = groups.at(-1)
    if (last?.title === title) last.items.push(item)
    else groups.push({ title, items: [item] })
  }
  return groups
}

function titleOf(at: Date, now: Date, t: Translate): string {
  const days = Math.round((startOfDay(now) - startOfDay(at)) / DAY_MS)
  if (days <= 0) return t('conversation.days.today')
  if (days === 1) return t('conversation.days.yesterday')
  if (days < 7) return t('conversation.days.lastWeek')
  if (days < 30) return t('conversation.days.lastMonth')
  return at.toLocaleDateString('en-GB', { month: 'long', year: at.getFullYear() === now.getFullYear() ? undefined : 'numeric' })
}

const startOfDay = (at: Date) => new Date(at.getFullYear(), at.getMonth(), at.getDate()).getTime()
