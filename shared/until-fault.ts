import type { z } from './zod'

/**
 * Reads each of a list's values as `item`, up to the first that does not fit: to transform a `z.array(z.unknown())` by. `z.array(item)` goes on and keeps an
 * issue for every other, and a large body has room for millions.
 */
export function untilFault<Item>(item: z.ZodType<Item>): (values: readonly unknown[], context: z.RefinementCtx) => Item[] {
  return (values, context) => {
    const items: Item[] = []
    for (const [index, value] of values.entries()) {
      const parsed = item.safeParse(value)
      if (!parsed.success) {
        for (const { path, message } of parsed.error.issues) context.addIssue({ code: 'custom', path: [index, ...path], message })
        break
      }
      items.push(parsed.data)
    }
    return items
  }
}
