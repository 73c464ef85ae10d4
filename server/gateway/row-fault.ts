import { z } from 'zod'

const Coded = z.object({ code: z.string() })
const Caused = z.object({ cause: z.instanceof(Error) })

/**
 * Whether a statement failed for its data, so that the same rows will fail again: SQLSTATE classes 22 (data), 23
 * (integrity) and 54 (too large), or rows too large to be written down at all; or what caused it did.
 */
export function isRowFault(error: unknown): boolean {
  return error instanceof RangeError || hasCode(error, /^(?:2[23]|54|ERR_STRING_TOO_LONG$)/) || isCausedBy(error, isRowFault)
}

/** Whether a statement gave up on a row that somebody keeps locked (SQLSTATE 55P03). It may pass once that one is free. */
export function isLockTimeout(error: unknown): boolean {
  return hasCode(error, /^55P03$/) || isCausedBy(error, isLockTimeout)
}

/** Whether a batch failed for some of its rows: the others pass without them. */
export function isItemFault(error: unknown): boolean {
  return isRowFault(error) || isLockTimeout(error)
}

function hasCode(error: unknown, pattern: RegExp): boolean {
  const coded = Coded.safeParse(error)
  return coded.success && pattern.test(coded.data.code)
}

function isCausedBy(error: unknown, is: (cause: unknown) => boolean): boolean {
  const caused = Caused.safeParse(error)
  return caused.success && is(caused.data.cause)
}
