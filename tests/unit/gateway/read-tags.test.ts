import { expect, test } from 'vitest'
import { readTags } from '../../../server/gateway/read-tags'

test('names and values are read without the spaces around them', () => {
  expect(readTags(' team = search ,env=a=b', undefined)).toEqual({ team: 'search', env: 'a=b' })
})

test('a header of spaces is refused as quickly as any other', () => {
  expect(() => readTags(`a${' '.repeat(500_000)}b`, undefined)).toThrow('x-loom-tags')
})
