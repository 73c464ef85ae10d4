import { randomFillSync } from 'node:crypto'
import { v7 as uuidv7 } from 'uuid'

const BYTES = 16
const pool = Buffer.alloc(BYTES * 256)
let offset = pool.length

/** A call's id, a UUIDv7. Its randomness is drawn for 256 at a time, because asking the system costs more than all else about it. */
export function newRequestId(): string {
  if (offset === pool.length) {
    randomFillSync(pool)
    offset = 0
  }
  offset += BYTES
  return uuidv7({ random: pool.subarray(offset - BYTES, offset) })
}
