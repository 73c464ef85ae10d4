const TITLE_MAX = 60

/** A conversation's title from its first message: its first line that says something, at most 60 characters, cut at a word. */
export function titleFromText(text: string): string {
  const line = text.split('\n').map(plain).find(Boolean) ?? ''
  const characters = [...line]
  if (characters.length <= TITLE_MAX) return line
  const cut = characters.slice(0, TITLE_MAX - 1).join('')
  const lastSpace = cut.lastIndexOf(' ')
  // A word longer than half a title is cut in the middle rather than dropped.
  return `${(lastSpace > TITLE_MAX / 2 ? cut.slice(0, lastSpace) : cut).replace(/[\s,;:.–-]+$/, '')}…`
}

/** Without the Markdown marks at its start, and with single spaces. */
function plain(line: string): string {
  return line.replace(/^[\s#>*`~-]+/, '').replace(/\s+/g, ' ').trim()
}
