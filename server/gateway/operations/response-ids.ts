import { randomBytes } from 'node:crypto'

/**
 * An id as OpenAI writes them, of a response or of an item of one: it tells the call whose answer that is, so that it is found again, and
 * has a part that only those know who were given the answer.
 */
export function newId(prefix: 'resp' | 'msg' | 'rs' | 'fc', callId: string): string {
  return `${prefix}_${callId.replaceAll('-', '')}_${randomBytes(8).toString('hex')}`
}

/** The call whose answer has this id; undefined for an id that was not made here. */
export function callOf(id: string): string | undefined {
  const [, ...parts] = /^(?:resp|msg|rs|fc)_([0-9a-f]{8})([0-9a-f]{4})(7[0-9a-f]{3})([0-9a-f]{4})([0-9a-f]{12})_[0-9a-f]{16}$/.exec(id) ?? []
  return parts.length > 0 ? parts.join('-') : undefined
}
