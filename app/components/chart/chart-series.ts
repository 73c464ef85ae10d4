import type { Translate } from '~/utils/translate'

/** One line, or one part of each bar. */
export interface ChartSeries {
  id: string
  name: string
  /** One a bucket; null: there is no value. */
  values: (number | null)[]
}

/** What a chart is drawn of, whatever it is drawn as. */
export interface ChartData {
  /** When each bucket begins, in ISO 8601. */
  buckets: string[]
  bucket: 'hour' | 'day' | 'week' | 'month'
  timeZone: string
  series: ChartSeries[]
}

/** The highest value that is drawn: of bars, a bucket's series stand on each other. */
export function highestOf({ buckets, series }: ChartData, kind: 'bars' | 'lines'): number {
  const heights = buckets.map((_, index) => {
    const values = series.map(({ values }) => values[index] ?? 0)
    return kind === 'bars' ? values.reduce((sum, value) => sum + value, 0) : Math.max(0, ...values)
  })
  return Math.max(0, ...heights)
}

const COLOURS = 8

/** The colours stand in assets/charts.css; what is beyond them is drawn in grey. */
export const colourOf = (index: number): string => index < COLOURS ? `var(--chart-${index + 1})` : 'var(--chart-rest)'

/** A bucket as an axis has room for it. */
export function formatBucket(start: string, bucket: ChartData['bucket'], timeZone: string): string {
  const at = new Date(start)
  if (bucket === 'hour') return at.toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit', timeZone })
  return at.toLocaleDateString('en-GB', bucket === 'month' ? { month: 'short', year: '2-digit', timeZone } : { day: 'numeric', month: 'short', timeZone })
}

/** A bucket in full. */
export function describeBucket(start: string, bucket: ChartData['bucket'], timeZone: string, t: Translate): string {
  const at = new Date(start)
  if (bucket === 'hour') return at.toLocaleString('en-GB', { weekday: 'short', day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit', timeZone, timeZoneName: 'short' })
  const day = at.toLocaleDateString('en-GB', bucket === 'month' ? { month: 'long', year: 'numeric', timeZone } : { weekday: 'short', day: 'numeric', month: 'short', year: 'numeric', timeZone })
  return bucket === 'week' ? t('chart.week', { day }) : day
}
