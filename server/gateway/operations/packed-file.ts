import { isUtf8 } from 'node:buffer'
import type { PackedFiles } from '../estimate-cost'

/** Text in base64, where four characters stand for three. */
export const FILE_CHARACTERS_PER_TOKEN = 16 / 3
/** A page takes some 3,000 tokens, and some 130,000 characters, though it may have next to none. Source: Anthropic, "PDF support", read 2026-11. */
const TOKENS_PER_PAGE = 3_000
const PDF_CHARACTERS_PER_TOKEN = 45
/** A PDF begins this far in at most: readers pass over what stands before. Source: Adobe, "PDF Reference", sixth edition, appendix H. */
const PDF_HEAD_BYTES = 1_024
/** What a zip begins with, and what every one ends with; office files are such. */
const [ZIP_START, ZIP_END] = ['PK\u0003\u0004', 'PK\u0005\u0006']
/** How a PDF and a zip begin in base64, which their URL may not say they are in. */
const PACKED_IN_BASE64 = /^(?:JVBERi|UEsDB)/
const NAMED_PDF = /^data:application\/pdf\b/i

/** Those of a prompt's files that are packed; undefined where none is. It reads them whole, so it is asked once a request. */
export function findPacked(files: readonly string[]): PackedFiles | undefined {
  const packed = files.map(data => ({ data, bytes: bytesOf(data) })).filter(({ data, bytes }) => isPacked(data, bytes))
  if (packed.length === 0) return undefined
  return {
    bytes: packed.reduce((sum, { data }) => sum + data.length, 0),
    tokens: Math.ceil(packed.reduce((sum, { data, bytes }) => sum + estimateFileTokens(data, bytes), 0))
  }
}

/** About how many tokens a file is: a PDF by its pages that show (those in compressed objects do not), all else as the text it may be. */
export function estimateFileTokens(data: string, bytes = bytesOf(data)): number {
  if (!isPdf(data, bytes)) return data.length / FILE_CHARACTERS_PER_TOKEN
  const pages = bytes?.toString('latin1').match(/\/Type\s*\/Page\b/g)?.length ?? 0
  return Math.max(data.length / PDF_CHARACTERS_PER_TOKEN, pages * TOKENS_PER_PAGE)
}

/**
 * Whether a file may be more tokens than it has bytes: a PDF, whose pages are read as pictures and may be next to nothing in bytes, or
 * what is compressed. How many pages a PDF has cannot be told for certain without reading it as its provider does, so all that is not
 * text is packed.
 */
function isPacked(data: string, bytes: Buffer | undefined): boolean {
  return !bytes || isPdf(data, bytes) || !isUtf8(bytes) || bytes.includes(0) || bytes.includes(ZIP_END) || bytes.toString('latin1', 0, ZIP_START.length) === ZIP_START
}

function isPdf(data: string, bytes: Buffer | undefined): boolean {
  return NAMED_PDF.test(data) || bytes?.subarray(0, PDF_HEAD_BYTES).includes('%PDF') === true
}

/** What is in a file, be it in base64 or a data URL; undefined for a URL that cannot be decoded. */
function bytesOf(data: string): Buffer | undefined {
  if (!data.startsWith('data:')) return Buffer.from(data, 'base64')
  const comma = data.indexOf(',')
  const content = data.slice(comma + 1)
  return /;base64$/i.test(data.slice(0, comma)) || PACKED_IN_BASE64.test(content) ? Buffer.from(content, 'base64') : percentDecoded(content)
}

function percentDecoded(text: string): Buffer | undefined {
  try {
    return Buffer.from(decodeURIComponent(text))
  } catch {
    return undefined
  }
}
