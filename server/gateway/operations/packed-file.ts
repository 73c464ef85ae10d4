import { isUtf8 } from 'node:buffer'
import type { PackedFiles } from '../estimate-cost'

/** Text in base64, where four characters stand for three. */
export const FILE_CHARACTERS_PER_TOKEN = 16 / 3
/** A page takes some 3,000 tokens, and some 130,000 characters, though it may have next to none. Source: Anthropic, "PDF support", read 2026-11. */
const TOKENS_PER_PAGE = 3_000
const PDF_CHARACTERS_PER_TOKEN = 45
/** A PDF begins this far in at most: readers pass over what stands before. Source: Adobe, "PDF Reference", sixth edition, appendix H. */
const PDF_HEAD_BYTES = 1_024
/** What every zip ends with, and so every office file. */
const ZIP_END = 'PK\u0005\u0006'
const PDF_IN_BASE64 = /^(?:data:[^,]{0,100},)?JVBERi/
const PACKED_AT_START = /^(?:data:[^,]{0,100},)?(?:JVBERi|UEsDB)|^data:application\/pdf/

/** Those of a prompt's files that are packed; undefined where none is. It reads them whole, so it is asked once a request. */
export function findPacked(files: readonly string[]): PackedFiles | undefined {
  const packed = files.filter(isPacked)
  if (packed.length === 0) return undefined
  return {
    bytes: packed.reduce((sum, data) => sum + data.length, 0),
    tokens: Math.ceil(packed.reduce((sum, data) => sum + estimateFileTokens(data), 0))
  }
}

/** About how many tokens a file is: a PDF by its pages that show (those in compressed objects do not), all else as the text it may be. */
export function estimateFileTokens(data: string): number {
  if (!PDF_IN_BASE64.test(data)) return data.length / FILE_CHARACTERS_PER_TOKEN
  const pages = bytesOf(data)?.toString('latin1').match(/\/Type\s*\/Page\b/g)?.length ?? 0
  return Math.max(data.length / PDF_CHARACTERS_PER_TOKEN, pages * TOKENS_PER_PAGE)
}

/**
 * Whether a file may be more tokens than it has bytes: a PDF, whose pages are read as pictures and may be next to nothing in bytes, or
 * what is compressed. How many pages a PDF has cannot be told for certain without reading it as its provider does, so all that is not
 * text is packed.
 */
function isPacked(data: string): boolean {
  if (PACKED_AT_START.test(data)) return true
  const bytes = bytesOf(data)
  return !bytes || !isUtf8(bytes) || bytes.includes(0) || bytes.subarray(0, PDF_HEAD_BYTES).includes('%PDF') || bytes.includes(ZIP_END)
}

/** What is in a file, be it in base64 or a data URL; undefined for a URL that cannot be decoded. */
function bytesOf(data: string): Buffer | undefined {
  if (!data.startsWith('data:')) return Buffer.from(data, 'base64')
  const comma = data.indexOf(',')
  const content = data.slice(comma + 1)
  return /;base64$/i.test(data.slice(0, comma)) ? Buffer.from(content, 'base64') : percentDecoded(content)
}

function percentDecoded(text: string): Buffer | undefined {
  try {
    return Buffer.from(decodeURIComponent(text))
  } catch {
    return undefined
  }
}
