import { IV_BYTES } from '../crypto/envelope'
import type { Sealed } from '../crypto/envelope'

/** Where a body lies: its first byte, counted from 1, and its size behind its IV. */
interface Place { at: number, size: number }

/**
 * Sealed bodies for a statement, as one text beside its JSON: in the JSON, PostgreSQL looked through their base64 for the ends of
 * strings, which took a ninth of its time for a call (216 against 192 µs, in batches of 12).
 */
export class PackedBodies {
  private readonly parts: Buffer[] = []
  private length = 0

  add(body: Sealed | null | undefined): Place | undefined {
    if (!body) return undefined
    const at = this.length + 1
    this.parts.push(body.iv, body.data)
    this.length += IV_BYTES + body.data.length
    return { at, size: body.data.length }
  }

  toBase64(): string {
    return Buffer.concat(this.parts, this.length).toString('base64')
  }
}

/** SQL for a row with the `bytes` of bodies packed into the text of `parameter`. */
export const unpacked = (parameter: string) => `(select decode(${parameter}::text, 'base64') as bytes offset 0) as unpacked`

/** SQL for what `add` placed under `<name>_at` and `<name>_size`, as `<name>_body` and `<name>_iv`. */
export const bodyColumns = (name: string) => `substr(bytes, ${name}_at + ${IV_BYTES}, ${name}_size) as ${name}_body, substr(bytes, ${name}_at, ${IV_BYTES}) as ${name}_iv`
