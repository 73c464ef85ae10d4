import type { SQL, SQLWrapper } from 'drizzle-orm'
import { sql } from 'drizzle-orm'
import { z } from 'zod'
import { LoomError } from '../errors'
import { parseJson } from '../../shared/parse-json'
import type { ProjectQuery } from '../../shared/projects'

/** Where a page of a list ordered by activity ended. */
export interface ListPosition {
  pinned: boolean
  lastActiveAt: string
  id: string
}

export function encodeCursor({ pinned, lastActiveAt, id }: ListPosition): string {
  return Buffer.from(JSON.stringify([pinned, lastActiveAt, id])).toString('base64url')
}

const Position = z.tuple([z.boolean(), z.iso.datetime(), z.uuid()])

/** @throws {LoomError} `invalid_request` when it is not one of ours */
export function decodeCursor(cursor: string): ListPosition {
  const parsed = Position.safeParse(parseJson(Buffer.from(cursor, 'base64url').toString()))
  if (!parsed.success) throw new LoomError('invalid_request', 'This cursor is not one that a list has given. Start again without it.', { param: 'cursor' })
  const [pinned, lastActiveAt, id] = parsed.data
  return { pinned, lastActiveAt, id }
}

/** Where a page of projects ended, and in which order they stood; without a `value` the project itself tells. */
export interface ProjectPosition { sort: ProjectQuery['sort'], value: string, id: string }

const positionIn = <Sort extends ProjectQuery['sort']>(sort: Sort, value: z.ZodType<string>) => z.tuple([z.literal(sort), value, z.uuid()])
const positions = { activity: positionIn('activity', z.iso.datetime()), created: positionIn('created', z.literal('')), spend: positionIn('spend', z.string().regex(/^\d+$/)), name: positionIn('name', z.literal('')) }

export function encodeProjectCursor({ sort, value, id }: ProjectPosition): string {
  return Buffer.from(JSON.stringify([sort, value, id])).toString('base64url')
}

/** @throws {LoomError} `invalid_request` when it is not one of ours, or of another order */
export function decodeProjectCursor(cursor: string, sort: ProjectQuery['sort']): ProjectPosition {
  const parsed = positions[sort].safeParse(parseJson(Buffer.from(cursor, 'base64url').toString()))
  if (!parsed.success) throw new LoomError('invalid_request', 'This cursor is not one that a list in this order has given. Start again without it.', { param: 'cursor' })
  return { sort, value: parsed.data[1], id: parsed.data[2] }
}

/** A moment in ISO 8601 to the microsecond that the database keeps; a `Date` would cut it, and a page boundary with it. */
export function exactTimestamp(moment: SQLWrapper): SQL<string> {
  return sql<string>`to_char(${moment} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`
}

/** A pattern for `ilike` that finds `text` anywhere, taken literally. */
export function containsPattern(text: string): string {
  return `%${text.replace(/[\\%_]/g, '\\$&')}%`
}
