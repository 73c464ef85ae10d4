import { z } from 'zod'
import { faultIn } from './read-as'

/**
 * A list as `z.array` reads it, but for its faults: the first element that does not fit is told, and none is looked at after it. zod makes an issue for each, and a
 * body has room for a hundred thousand.
 * @param least how many elements there must be
 */
export function listOf<Element extends z.ZodType>(element: Element, least?: number) {
  const list = z.array(z.unknown())
  return (least === undefined ? list : list.min(least)).transform((items, context): z.output<Element>[] => {
    const read: z.output<Element>[] = []
    for (const [index, item] of items.entries()) {
      const parsed = element.safeParse(item)
      if (!parsed.success) {
        const { path, message } = faultIn(parsed.error)
        context.issues.push({ code: 'custom', input: item, path: [index, ...path], message })
        return z.NEVER
      }
      read.push(parsed.data)
    }
    return read
  }).meta({ items: describe(element) })
}

/** As the description of the API shows it: a transformation has no form of its own. */
function describe(element: z.ZodType): z.core.JSONSchema.BaseSchema {
  const { '~standard': _, $schema: _dialect, ...described } = z.toJSONSchema(element, { io: 'input', unrepresentable: 'any' })
  return described
}
