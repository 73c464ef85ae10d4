import { expect, test } from 'vitest'
import { CustomInput, unwrapInput, wrapInput } from '../../../server/gateway/operations/custom-input'

const patch = '*** Begin Patch\n*** Update File: "a\\b".ts\n-\tKäse \u{1F9C0}\n+{"input": "x"}\n*** End Patch\n'

test.each([
  ['as it was wrapped', wrapInput(patch), patch],
  ['with spaces around', ` {\n "input" : ${JSON.stringify(patch)} }\n`, patch],
  ['with everything escaped', '{"input":"\\u004b\\u00e4se \\ud83e\\uddc0 \\/ \\b\\f\\r"}', 'Käse \u{1F9C0} / \b\f\r'],
  ['with line breaks that JSON does not allow', '{"input":"a\nb\\nc"}', 'a\nb\nc'],
  ['behind another field', JSON.stringify({ note: 'n'.repeat(200), input: patch }), patch],
  ['cut off', '{"input":"half a li', 'half a li'],
  ['cut off in an escape', '{"input":"half\\u00', 'half\\u00'],
  ['none', '{"input":""}', ''],
  ['no arguments', '{}', ''],
  ['nothing at all', '', ''],
  ['bare text', patch, patch],
  ['text under another name', '{"patch":"a"}', '{"patch":"a"}'],
  ['no text', '{"input":{"a":1}}', '{"input":{"a":1}}'],
  ['an escape that there is not', '{"input":"a\\d"}', 'a\\d'],
  ['with quotation marks that JSON does not allow', '{"input":"rm -rf "/tmp/a b" && echo "{"x": {"y":"z"}}", "ok"\\n"}', 'rm -rf "/tmp/a b" && echo "{"x": {"y":"z"}}", "ok"\n'],
  ['with a comma behind it', '{"input":"a",}', 'a'],
  ['before another field', '{"input":"a" , "note":"say \\"b\\""}', 'a'],
  ['twice', '{"input":"a"}{"input":"b"}', 'a"}{"input":"b'],
  ['ending in half a sign', '{"input":"a\\ud83d', 'a\ud83d']
])('the text of a custom tool\'s call is read, however it comes in pieces: %s', (_, written, input) => {
  expect(unwrapInput(written)).toBe(input)
  for (const size of [1, 2, 3, 7]) {
    const reader = new CustomInput()
    let read = ''
    for (let at = 0; at < written.length; at += size) read += reader.read(written.slice(at, at + size))
    expect(read + reader.end()).toBe(input)
  }
})

test('what is known of it is told at once', () => {
  const reader = new CustomInput()
  expect(['{"inp', 'ut":"*** Beg', 'in\\', 'nPatch', '"}'].map(piece => reader.read(piece))).toEqual(['', '*** Beg', 'in', '\nPatch', ''])
})

test.each([['as it is', '\ud83d', '\ude00'], ['escaped', '\\ud83d', '\\ude00']])('no half of a sign is told alone: %s', (_, high, low) => {
  const reader = new CustomInput()
  const told = ['{"input":"a', `b${high}`, low.slice(0, 3), `${low.slice(3)}c`, '"}'].map(piece => reader.read(piece))
  expect([told[1], told.join('')]).toEqual(['b', 'ab\u{1F600}c'])
})

test('a long one is read in a time that grows with its length, not with its square', { timeout: 5_000 }, () => {
  const reader = new CustomInput()
  let length = reader.read('{"input":"').length
  for (let piece = 0; piece < 500_000; piece++) length += reader.read('word').length
  expect(length).toBe(2_000_000)
})

test('white space without end behind it is passed over as quickly', { timeout: 5_000 }, () => {
  const reader = new CustomInput()
  let told = reader.read('{"input":"abc"')
  for (let piece = 0; piece < 200_000; piece++) told += reader.read('\n          ')
  expect(told + reader.read('}') + reader.end()).toBe('abc')
})
