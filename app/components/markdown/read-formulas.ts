import { defineComarkPlugin } from '@comark/vue/parse'

/** The marks around a formula, as models write them. */
const inlineMarks = [['$$', '$$'], ['$', '$'], ['\\(', '\\)'], ['\\[', '\\]']] as const
const blockMarks = [['$$', '$$'], ['\\[', '\\]']] as const

/** Beyond that no end is looked for: text full of beginnings must not be read over and over. */
const CHARACTERS_MAX = 4_000
const LINES_MAX = 100

/** What these rules need of the parser's states. */
interface Token { content: string, map?: [number, number] | null }
interface InlineState { src: string, pos: number, posMax: number, push: (type: string, tag: string, nesting: 0) => Token }
interface BlockState { src: string, line: number, bMarks: number[], tShift: number[], eMarks: number[], push: (type: string, tag: string, nesting: 0) => Token }

/**
 * Reads TeX between `$`, `$$`, `\(` and `\[` as `math` elements. Drawing them is another matter (`MarkdownFormula.vue`): comark's own
 * plugin would bring KaTeX into the first load, and takes the space between two prices for a formula.
 */
export const readFormulas = defineComarkPlugin(() => ({
  name: 'formulas',
  markdownItPlugins: [
    (markdown) => {
      markdown.inline.ruler.before('escape', 'formula', (state: InlineState, silent: boolean) => {
        const found = findFormula(state.src.slice(state.pos, Math.min(state.posMax, state.pos + CHARACTERS_MAX)))
        if (!found) return false
        if (!silent) state.push('math_inline', 'math', 0).content = found.source
        state.pos += found.length
        return true
      })
      markdown.block.ruler.before('fence', 'formula_block', (state: BlockState, startLine: number, endLine: number, silent: boolean) => {
        const lineAt = (line: number) => state.src.slice((state.bMarks[line] ?? 0) + (state.tShift[line] ?? 0), state.eMarks[line])
        const first = lineAt(startLine)
        const marks = blockMarks.find(([open]) => first.startsWith(open))
        if (!marks) return false
        const [open, close] = marks
        const lines: string[] = []
        for (let line = startLine; line < Math.min(endLine, startLine + LINES_MAX); line++) {
          const text = line === startLine ? first.slice(open.length) : lineAt(line)
          const ended = text.trimEnd().endsWith(close)
          lines.push(ended ? text.trimEnd().slice(0, -close.length) : text)
          if (!ended) continue
          if (lines.join('').includes(close)) return false
          state.line = line + 1
          if (silent) return true
          const token = state.push('math_block', 'div', 0)
          token.content = lines.join('\n').trim()
          // Where a text that grows goes on: without it, the formula would be read again and again.
          token.map = [startLine, state.line]
          return true
        }
        return false
      }, { alt: ['paragraph', 'blockquote', 'list'] })
    }
  ]
}))

/** The formula that `text` begins with, and how much of it that is. */
function findFormula(text: string): { source: string, length: number } | undefined {
  for (const [open, close] of inlineMarks) {
    if (!text.startsWith(open)) continue
    const end = findEnd(text, open.length, close)
    const source = end === -1 ? '' : text.slice(open.length, end)
    if (source.trim() === '' || (open === '$' && !isFormula(source, text[end + 1]))) continue
    return { source, length: end + close.length }
  }
  return undefined
}

function findEnd(text: string, from: number, close: string): number {
  for (let at = from; at < text.length; at++) {
    if (text.startsWith(close, at)) return at
    if (text[at] === '\\') at += 1
  }
  return -1
}

/** Between single dollars: no space at its edges, no digit after it (as pandoc reads it), and no price. */
function isFormula(source: string, next: string | undefined): boolean {
  if (/^\s|\s$/.test(source) || /\d/.test(next ?? '')) return false
  const isPrice = /^[\d.,]+\s?(?:[kKMB%]|[a-z]{3,})?(?:[\s,.;:!?)–/-]|$)/.test(source) && !/[\\^_={}<>+*]/.test(source)
  return !isPrice || /^\d+$/.test(source)
}
