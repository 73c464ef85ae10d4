import { randomBytes } from 'node:crypto'

type Prefix = 'resp' | 'msg' | 'rs' | 'fc' | 'ctc'

/**
 * An id as OpenAI writes them, of a response or of an item of one: it tells the call whose answer that is, so that it is found again, and
 * has a part that only those know who were given the answer.
 */
export function newId(prefix: Prefix, callId: string): string {
  return idIn(prefix, callId)
}

/** An answer that one call was given as another's: the same, but its ids lead to that one. */
export function withIdsOf(answer: Buffer, from: string, to: string): Buffer {
  const named = hexOf(from)
  if (!answer.includes(named)) return answer
  const ids = new Map<string, string>()
  const given = new RegExp(`(resp|msg|rs|fc|ctc)_${named}_[0-9a-f]{16}`, 'g')
  const renamed = answer.toString('latin1').replace(given, (id, prefix: string) => {
    const known = ids.get(id) ?? idIn(prefix, to)
    ids.set(id, known)
    return known
  })
  return Buffer.from(renamed, 'latin1')
}

/** The call whose answer has this id; undefined for an id that was not made here. */
export function callOf(id: string): string | undefined {
  const [, ...parts] = /^(?:resp|msg|rs|fc|ctc)_([0-9a-f]{8})([0-9a-f]{4})(7[0-9a-f]{3})([0-9a-f]{4})([0-9a-f]{12})_[0-9a-f]{16}$/.exec(id) ?? []
  return parts.length > 0 ? parts.join('-') : undefined
}

const idIn = (prefix: string, callId: string) => `${prefix}_${hexOf(callId)}_${randomBytes(8).toString('hex')}`
const hexOf = (callId: string) => callId.replaceAll('-', '')
