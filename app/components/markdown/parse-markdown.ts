import { createParse, defineComarkPlugin } from '@comark/vue/parse'
import type { ComarkTree } from 'comark'
import { LRUCache } from 'lru-cache'
import { readFormulas } from './read-formulas'

/**
 * Comark adds components (`::card`, `:icon`), attributes (`{onclick=…}`) and spans to Markdown. Text of a model is plain
 * Markdown: it may neither name our components nor lose its braces and colons to that syntax.
 */
const plainMarkdown = defineComarkPlugin(() => ({
  name: 'plain-markdown',
  markdownItPlugins: [
    (markdown) => {
      markdown.block.ruler.disable(['comark_block', 'comark_block_shorthand', 'comark_block_yaml', 'comark_block_slots'])
      markdown.inline.ruler.disable(['comark_inline_span', 'comark_inline_component', 'comark_inline_props'])
    }
  ]
}))

const options = { html: false, plugins: [plainMarkdown(), readFormulas()] }
// The line in front keeps a leading `---` a rule: it would be read as front matter and vanish.
const asBody = (text: string) => `\n${text}`

/**
 * Parses one text that grows: only what came after the last settled blocks, and those keep their identity. HTML stays text. What the
 * tree may contain is decided where it is drawn (`draw-markdown.ts`).
 */
export function createGrowingParser(): (text: string) => Promise<ComarkTree> {
  const parse = createParse(options)
  return text => parse(asBody(text), { streaming: true })
}

// Closing what seems open is for halves of a text; a whole one is taken at its word.
const parseWhole = createParse({ ...options, autoClose: false })
/** Of the texts drawn last, so that messages that come back into view are drawn without being read again. */
const trees = new LRUCache<string, ComarkTree>({ max: 400, maxSize: 4_000_000, sizeCalculation: (_, text) => text.length || 1 })

/** The tree of a text that will not grow, when it was parsed before. */
export const findTree = (text: string): ComarkTree | undefined => trees.get(text)

/** Parses a text that will not grow. */
export async function parseMarkdown(text: string): Promise<ComarkTree> {
  const tree = await parseWhole(asBody(text))
  trees.set(text, tree)
  return tree
}
