import { queryObjects } from 'node:v8'
import { expect, test } from 'vitest'
import { ByteCollector } from '../../server/utils/byte-collector'

/** Those there are in the process, once the garbage is gone. */
const countBuffers = () => queryObjects(Uint8Array, { format: 'count' })

test('bytes that come one by one are kept in few buffers, and in order', () => {
  const collector = new ByteCollector()
  const before = countBuffers()
  for (let at = 0; at < 100_000; at++) collector.push(Buffer.from([at % 251]))
  expect(countBuffers() - before).toBeLessThan(5_000)
  expect(collector.size).toBe(100_000)
  expect(collector.bytes()).toEqual(Buffer.from(Array.from({ length: 100_000 }, (_, at) => at % 251)))
})

test('a body of one chunk is that chunk', () => {
  const collector = new ByteCollector()
  const chunk = Buffer.from('whole')
  collector.push(chunk)
  expect(collector.bytes()).toBe(chunk)
})

test('what comes after all was read, or forgotten, is kept too', () => {
  const collector = new ByteCollector()
  for (const word of ['a', 'b']) collector.push(Buffer.from(word))
  expect(collector.bytes().toString()).toBe('ab')
  collector.push(Buffer.from('c'))
  expect(collector.bytes().toString()).toBe('abc')
  collector.clear()
  collector.push(Buffer.from('d'))
  expect(collector.bytes().toString()).toBe('d')
})
