import type { ComarkNode } from 'comark'
import { describe, expect, test } from 'vitest'
import { createGrowingParser, parseMarkdown } from '../../app/components/markdown/parse-markdown'

/** The formulas of a text, those that stand by themselves in brackets. */
async function formulasIn(text: string): Promise<string[]> {
  const read = (node: ComarkNode): string[] => {
    if (typeof node === 'string' || node[0] === null) return []
    const [tag, { class: kind, content }, ...children] = node
    return tag === 'math' ? [kind === 'math block' ? `[${content}]` : String(content)] : (children as ComarkNode[]).flatMap(read)
  }
  return (await parseMarkdown(text)).nodes.flatMap(read)
}

describe('formulas', () => {
  test.each<[string, string[]]>([
    ['The energy is $E = mc^2$.', ['E = mc^2']],
    ['\\(a\\) and \\[b\\] and $$c$$ in a line', ['a', 'b', 'c']],
    ['$$\na\n+ b\n$$', ['[a\n+ b]']],
    ['text\n\\[\nx\n\\]\nmore', ['[x]']],
    ['- item\n\n  $$ y $$', ['[y]']],
    ['$2x + 1$ and $5$', ['2x + 1', '5']]
  ])('%j has %j', async (text, formulas) => expect(await formulasIn(text)).toEqual(formulas))

  test.each([
    'between $5 and $10 a month', '$5, $6 or $7.50', 'from $20k to $30k', '`$a$`', '```\n$$\na\n$$\n```', '\\$a\\$', '$ a $', 'a$', '$$ open', '\\( open', 'US$5 and CA$6'
  ])('%j has none', async text => expect(await formulasIn(text)).toEqual([]))

  test('a text full of beginnings is read in a moment', async () => {
    for (const mark of ['$', '\\(', '\\[\n', '$$\n', '$a']) await parseMarkdown(`${mark} x `.repeat(10_000))
  }, 20_000)

  test('while a text grows, its finished blocks stay the same objects', async () => {
    const parse = createGrowingParser()
    const first = await parse('One.\n\n$$ a $$\n\nTwo')
    const second = await parse('One.\n\n$$ a $$\n\nTwo and three')
    expect(second.nodes[0]).toBe(first.nodes[0])
  })
})
