import { z } from 'zod'

const Coded = z.object({ code: z.string() })

/**
 * Whether a statement failed for its data, so that the same rows will fail again: SQLSTATE classes 22 (data), 23
 * (integrity) and 54 (too large), or rows too large to be written down at all.
 */
export function isRowFault(error: unknown): boolean {
  if (error instanceof RangeError) return true
  const { success, data } = Coded.safeParse(error)
  return success && /^(?:2[23]|54|ERR_STRING_TOO_LONG$)/.test(data.code)
}
