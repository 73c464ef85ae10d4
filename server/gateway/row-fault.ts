import { z } from 'zod'

const Coded = z.object({ code: z.string() })
const Caused = z.object({ cause: z.instanceof(Error) })

/**
 * Whether a statement failed for its data, so that the same rows will fail again: SQLSTATE classes 22 (data), 23
 * (integrity) and 54 (too large), or rows too large to be written down at all; or what caused it did.
 */
export function isRowFault(error: unknown): boolean {
  if (error instanceof RangeError) return true
  const coded = Coded.safeParse(error)
  if (coded.success && /^(?:2[23]|54|ERR_STRING_TOO_LONG$)/.test(coded.data.code)) return true
  const caused = Caused.safeParse(error)
  return caused.success && isRowFault(caused.data.cause)
}
