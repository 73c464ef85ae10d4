import { createHash } from 'node:crypto'
import { z } from 'zod'
import { LoomError } from '../errors'

/** Where a page of traces ended; the time as PostgreSQL writes it. */
export interface TracePosition { createdAt: string, id: string }

const Time = z.string().regex(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{1,6})?[+-]\d\d(:\d\d)?$/).refine(text => !text.startsWith('0000') && !Number.isNaN(Date.parse(text)), 'no such time')
const Cursor = z.tuple([Time, z.uuid(), z.string()])

/** Names the org's list it is of, so that one from elsewhere is refused rather than read as a place in this one. */
export function encodeTraceCursor(orgId: string, position: TracePosition): string {
  return Buffer.from([position.createdAt, position.id, mark(orgId, position)].join('|')).toString('base64url')
}

/** @throws {LoomError} `invalid_request` for what `encodeTraceCursor` has not made for this org */
export function decodeTraceCursor(orgId: string, cursor: string): TracePosition {
  const parsed = Cursor.safeParse(Buffer.from(cursor, 'base64url').toString('utf8').split('|'))
  const position = parsed.success ? { createdAt: parsed.data[0], id: parsed.data[1] } : undefined
  if (!position || parsed.data?.[2] !== mark(orgId, position)) throw new LoomError('invalid_request', 'The cursor is not one that this list has given. Start again without it.', { param: 'cursor' })
  return position
}

/** It guards against mistakes: whoever forges one for their own org finds a place in their own list. */
function mark(orgId: string, { createdAt, id }: TracePosition): string {
  return createHash('sha256').update(`${orgId}|${createdAt}|${id}`).digest('base64url').slice(0, 16)
}
