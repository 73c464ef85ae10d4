import type { ComarkTree } from 'comark'
import { describe, expect, test } from 'vitest'
import { createGrowingParser, parseMarkdown } from '../../app/components/markdown/parse-markdown'
import { hostileMarkdown } from '../e2e/hostile-markdown'

const elements = ({ nodes }: ComarkTree) => nodes.filter(node => Array.isArray(node)).map(([name]) => name)

/** The trees of a text as it grows by one character after another. */
async function grow(text: string): Promise<ComarkTree[]> {
  const parse = createGrowingParser()
  const trees: ComarkTree[] = []
  for (let end = 1; end <= text.length; end += 1) trees.push(await parse(text.slice(0, end)))
  return trees
}

describe('a text that grows', () => {
  test('is never read as front matter, wherever a rule stands in it', async () => {
    const rules = 'One.\n\nTwo.\n\n---\n\nkey: [not, yaml\n\n---\n\nThree.\n\n---\n'
    const trees = await grow(rules)
    expect(elements(trees.at(-1)!)).toEqual(['p', 'p', 'hr', 'p', 'hr', 'p', 'hr'])
    expect(elements(await parseMarkdown(rules))).toEqual(['p', 'p', 'hr', 'p', 'hr', 'p', 'hr'])
    for (const [at, tree] of trees.entries()) expect(tree.frontmatter, rules.slice(0, at + 1)).toEqual({})
    const counts = trees.map(({ nodes }) => nodes.length)
    expect(counts).toEqual(counts.toSorted((one, other) => one - other))
  })

  test('begins with a rule that does not vanish', async () => {
    expect(elements((await grow('---\n\ntitle: seen\n\n---\n\nText')).at(-1)!)).toEqual(['hr', 'p', 'hr', 'p'])
  })

  test('shows a formula once', async () => {
    const formulas = 'One.\n\n$$ a $$\n\nTwo.\n\n$$\nb\n$$\n\nThree.\n'
    for (const tree of await grow(formulas)) expect(elements(tree).filter(name => name === 'math').length).toBeLessThanOrEqual(2)
  })

  test('of a hostile model is parsed from its first character to its last', async () => {
    expect(await grow(hostileMarkdown)).toHaveLength(hostileMarkdown.length)
  })
})
