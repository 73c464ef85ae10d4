import { createParse, defineComarkPlugin } from '@comark/vue/parse'
import type { ComarkTree } from 'comark'
import { autoCloseMarkdown } from 'comark'
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

/**
 * Comark takes a leading `---` for front matter, of a text and, as that grows, of what follows its settled blocks: it would vanish, or
 * throw where it is no YAML. After an empty line, which counts for nothing, it is a rule. Halves of a text have closed what seems open.
 */
const asBody = defineComarkPlugin((how?: { growing: boolean }) => ({
  name: 'as-body',
  pre: (state) => {
    const body = `\n${state.markdown}`
    state.markdown = how?.growing ? autoCloseMarkdown(body) : body
    state.parsedLines -= 1
  }
}))

const createParser = (how: { growing: boolean }) => createParse({ html: false, autoClose: false, plugins: [asBody(how), plainMarkdown(), readFormulas()] })

/**
 * Parses one text that grows: only what came after the last settled blocks, and those keep their identity. HTML stays text. What the
 * tree may contain is decided where it is drawn (`draw-markdown.ts`).
 */
export function createGrowingParser(): (text: string) => Promise<ComarkTree> {
  const parse = createParser({ growing: true })
  return text => parse(text, { streaming: true })
}

const parseWhole = createParser({ growing: false })
/** Of the texts drawn last, so that messages that come back into view are drawn without being read again. */
const trees = new Map<string, ComarkTree>()
const TREES_MAX = 400
const CHARACTERS_MAX = 4_000_000
let characters = 0

/** The tree of a text that will not grow, when it was parsed before. */
export function findTree(text: string): ComarkTree | undefined {
  const tree = trees.get(text)
  if (tree) keep(text, tree)
  return tree
}

/** Puts it behind all others; the first ones go where there are too many. */
function keep(text: string, tree: ComarkTree) {
  if (!trees.delete(text)) characters += text.length
  trees.set(text, tree)
  for (const oldest of trees.keys()) {
    if (trees.size <= TREES_MAX && characters <= CHARACTERS_MAX) return
    trees.delete(oldest)
    characters -= oldest.length
  }
}

/** Parses a text that will not grow. */
export async function parseMarkdown(text: string): Promise<ComarkTree> {
  const tree = await parseWhole(text)
  keep(text, tree)
  return tree
}
