import type { H3Event } from 'h3'
import { getRequestHeader, setResponseHeaders, setResponseStatus } from 'h3'

interface SentFile { name: string, mime: string, sha256: string, read: () => Promise<Buffer> }

/**
 * Answers with bytes that somebody else chose, so that a browser shows or keeps them and never runs them: as a download, of the type
 * they were found to be, in a sandbox. What the browser has already is not sent again.
 */
export async function sendFile(event: H3Event, { name, mime, sha256, read }: SentFile): Promise<Buffer | null> {
  const etag = `"${sha256}"`
  setResponseHeaders(event, {
    'content-type': mime.startsWith('text/') ? 'text/plain; charset=utf-8' : mime,
    'content-disposition': `attachment; filename="${name.replaceAll(/[^\w .-]/g, '_')}"; filename*=UTF-8''${encodeExtended(name)}`,
    'x-content-type-options': 'nosniff',
    'content-security-policy': 'default-src \'none\'; sandbox',
    'cross-origin-resource-policy': 'same-origin',
    'cache-control': 'private, no-cache',
    etag
  })
  if (getRequestHeader(event, 'if-none-match') !== etag) return read()
  setResponseStatus(event, 304)
  return null
}

/** As RFC 8187 wants it: `encodeURIComponent` leaves some characters that a header's parameter may not have. */
function encodeExtended(name: string): string {
  return encodeURIComponent(name.toWellFormed()).replaceAll(/['()*]/g, character => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)
}
