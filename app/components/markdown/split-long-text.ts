/** As Markdown, more would freeze the page, and nobody reads it as such. */
const FORMATTED_MAX = 120_000
/** Of the rest, so that only what is on the screen is laid out and only the end is touched as it grows. */
const PIECE_LENGTH = 10_000

/** The beginning of a text that is drawn as Markdown, and the rest of a very long one in pieces for plain text. */
export function splitLongText(text: string): { formatted: string, plain: string[] } {
  if (text.length <= FORMATTED_MAX) return { formatted: text, plain: [] }
  const lastBreak = text.lastIndexOf('\n', FORMATTED_MAX)
  // A line that long is cut where it stands.
  const at = lastBreak > FORMATTED_MAX / 2 ? lastBreak + 1 : FORMATTED_MAX
  const plain = Array.from({ length: Math.ceil((text.length - at) / PIECE_LENGTH) }, (_, piece) => text.slice(at + piece * PIECE_LENGTH, at + (piece + 1) * PIECE_LENGTH))
  return { formatted: text.slice(0, at), plain }
}
