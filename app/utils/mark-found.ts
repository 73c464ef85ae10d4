const NAME = 'found'

/** Marks these words wherever the thread on the screen shows them, without touching its elements; undefined takes the marks away. */
export function markFound(words: string | undefined): void {
  if (!('highlights' in CSS)) return
  CSS.highlights.delete(NAME)
  const needle = words?.toLowerCase()
  if (!needle) return
  const ranges = [...document.querySelectorAll('[data-row]')].flatMap(row => findRanges(row, needle))
  CSS.highlights.set(NAME, new Highlight(...ranges))
}

function findRanges(row: Element, needle: string): Range[] {
  const ranges: Range[] = []
  const texts = document.createTreeWalker(row, NodeFilter.SHOW_TEXT)
  for (let node = texts.nextNode(); node; node = texts.nextNode()) {
    const text = node.textContent?.toLowerCase() ?? ''
    for (let at = text.indexOf(needle); at !== -1; at = text.indexOf(needle, at + needle.length)) {
      const range = new Range()
      range.setStart(node, at)
      range.setEnd(node, Math.min(at + needle.length, node.textContent?.length ?? 0))
      ranges.push(range)
    }
  }
  return ranges
}
