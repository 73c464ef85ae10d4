import { z } from './zod'

/** How values that JSON lacks are written on `/api`. */

export const Id = z.uuid()

/** ISO 8601 in UTC, as `Date.toJSON` writes it. PostgreSQL's calendar has no year 0. */
export const Timestamp = z.iso.datetime().refine(text => !text.startsWith('0000'), 'no such year')

/** A whole number of nano-USD as a string, because it may pass 2⁵³. */
export const NanoUsdText = z.string().regex(/^-?\d+$/)

/** Where the next page of a list starts; opaque to the client. */
export const Cursor = z.string().min(1).max(200)

/** A flag in a query string. */
export const QueryFlag = z.stringbool().default(false)

/** Without what PostgreSQL cannot store: NUL, and halves of surrogate pairs. */
export function toStorableText(text: string): string {
  return text.toWellFormed().replaceAll('\0', '')
}

/** Text from outside that will be stored, at most `max` UTF-16 code units of it. */
export const storableText = (max: number) => z.string().max(max).overwrite(toStorableText)

/** Whatever comes. */
export const AnyReply = z.unknown()
