import type { Price } from '../billing/price'

const OFF_PEAK: Price = { source: 'published', inputPrice: 150_000_000n, cachedInputPrice: 3_000_000n, outputPrice: 600_000_000n }
const PEAK: Price = { source: 'published', inputPrice: 300_000_000n, cachedInputPrice: 6_000_000n, outputPrice: 1_200_000_000n }

/**
 * What DeepSeek asks for V4.1 Flash, which answers for V4 Flash, too; the catalogue has the price of that. Twice as much on weekdays from 01:00 to 04:00 and from 06:00 to 10:00 UTC; Chinese
 * holidays, which are off-peak, are charged as weekdays. Source: https://api-docs.deepseek.com/quick_start/pricing, read 2026-11-15.
 */
export function deepSeekFlashPrice(at: Date): Price {
  const hour = at.getUTCHours()
  const isWeekend = at.getUTCDay() % 6 === 0
  return !isWeekend && ((hour >= 1 && hour < 4) || (hour >= 6 && hour < 10)) ? PEAK : OFF_PEAK
}
