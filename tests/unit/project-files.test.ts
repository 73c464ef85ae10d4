import { describe, expect, test } from 'vitest'
import type { FileKind } from '../../shared/files'
import type { ReadingModel } from '../../shared/project-files'
import { chooseProjectFiles, describeFiles, estimateOpening, joinInstructions } from '../../shared/project-files'

const mimes: Record<FileKind, string> = { image: 'image/png', pdf: 'application/pdf', text: 'text/plain' }
const file = (kind: FileKind, name: string, sizeBytes = 300) => ({ name, kind, mime: mimes[kind], sizeBytes })
const seeing: ReadingModel = { contextWindow: 1_000_000, vision: true, provider: 'openai' }

function choose(files: ReturnType<typeof file>[], model: ReadingModel) {
  const { read, shown, named } = chooseProjectFiles(files, model)
  return [read, shown, named].map(list => list.map(({ name }) => name).join(' '))
}

describe('of a project\'s files, a model is given', () => {
  const all = [file('image', 'a.png'), file('pdf', 'b.pdf'), file('text', 'c.txt')]

  test('texts to read, and pictures and PDFs to see if it is known to take them', () => {
    expect(choose(all, seeing)).toEqual(['c.txt', 'a.png b.pdf', ''])
    expect(choose(all, { ...seeing, provider: 'openai-compatible' })).toEqual(['c.txt', 'a.png', 'b.pdf'])
    for (const vision of [false, null]) expect(choose(all, { ...seeing, vision })).toEqual(['c.txt', '', 'a.png b.pdf'])
    expect(choose(all, undefined)).toEqual(['c.txt', '', 'a.png b.pdf'])
  })

  test('at most 20 pictures of 8 MiB together, the oldest first, past one that is too large', () => {
    const many = Array.from({ length: 22 }, (_, index) => file('image', String(index)))
    expect(choose(many, seeing)[2]).toBe('20 21')
    const mib = 1024 * 1024
    expect(choose([file('image', 'a', 5 * mib), file('pdf', 'b', 4 * mib), file('image', 'c', 3 * mib), file('image', 'd', 1)], seeing)).toEqual(['', 'a c', 'b d'])
  })

  test('as much as fits into a quarter of its window, a picture taken for 1,500 tokens', () => {
    // 2,000 tokens.
    expect(choose([file('text', 'a', 1_500), file('image', 'b'), file('image', 'c'), file('text', 'd')], { ...seeing, contextWindow: 8_000 })).toEqual(['a', 'b', 'c d'])
    expect(choose([file('text', 'a', 200_001), file('text', 'b', 200_000)], seeing)).toEqual(['b', '', 'a'])
  })
})

describe('what stands before the first question', () => {
  const files = [file('text', 'a', 600), file('image', 'b'), file('image', 'c.png')]
  const model = { ...seeing, contextWindow: 8_000 }

  test('takes its instructions alone where there are no files', () => {
    expect(estimateOpening(['x'.repeat(30), ''], [], model)).toBe(10)
  })

  test('takes the files that are given, with every word around them that is sent, and the names of the others', () => {
    const sent = joinInstructions(['x'.repeat(30), '', describeFiles(chooseProjectFiles(files, model), () => 'y'.repeat(600))])
    expect(sent).toContain(`<file name="a">\n${'y'.repeat(600)}\n</file>\n\nShown with the first question, in this order:\n- b\n\nToo long to be read here, or no text:\n- c.png`)
    expect(estimateOpening(['x'.repeat(30), ''], files, model)).toBe(Math.ceil(sent.length / 3) + 1_500)
  })
})
