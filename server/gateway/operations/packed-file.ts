import { isUtf8 } from 'node:buffer'

/** What every zip ends with, and so every office file. */
const ZIP_END = 'PK\u0005\u0006'
const PACKED_IN_BASE64 = /^(?:data:[^,]{0,100},)?(?:JVBERi|UEsDB)|^data:application\/pdf/

/**
 * Whether a file in base64 may be more tokens than it has bytes: a PDF, whose pages are read as pictures and may be next to nothing in bytes, or
 * what is compressed. How many pages a PDF has cannot be told for certain without reading it as its provider does, so all that is not
 * text is packed.
 */
export function isPacked(data: string): boolean {
  if (PACKED_IN_BASE64.test(data)) return true
  const bytes = bytesOf(data)
  return !isUtf8(bytes) || bytes.includes(0) || bytes.includes('%PDF') || bytes.includes(ZIP_END)
}

/** How many pages of a PDF in base64 show; those in compressed objects do not. */
export function countPagesThatShow(data: string): number {
  return bytesOf(data).toString('latin1').match(/\/Type\s*\/Page\b/g)?.length ?? 0
}

function bytesOf(data: string): Buffer {
  return Buffer.from(data.startsWith('data:') ? data.slice(data.indexOf(',') + 1) : data, 'base64')
}
