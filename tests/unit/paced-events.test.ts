import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { PartEvent } from '../../server/chat/assemble-parts'
import { PacedEvents } from '../../server/chat/paced-events'

let passed: PartEvent[]
let paced: PacedEvents
beforeEach(() => {
  vi.useFakeTimers()
  passed = []
  paced = new PacedEvents(event => passed.push(event))
})
afterEach(() => {
  vi.useRealTimers()
})

const delta = (text: string, index = 0): PartEvent => ({ type: 'delta', index, text })
const done: PartEvent = { type: 'part_done', index: 0, completedAt: '2026-11-20T21:00:00.000Z' }

test('a piece that comes after a pause is passed on at once, those on its heels together', () => {
  paced.push(delta('a'))
  expect(passed).toEqual([delta('a')])
  for (const text of ['b', 'c', 'd']) paced.push(delta(text))
  expect(passed).toEqual([delta('a')])
  vi.advanceTimersByTime(50)
  expect(passed).toEqual([delta('a'), delta('bcd')])
  paced.push(delta('e'))
  vi.advanceTimersByTime(50)
  expect(passed.slice(2)).toEqual([delta('e')])
  vi.advanceTimersByTime(1_000)
  paced.push(delta('f'))
  expect(passed.slice(3)).toEqual([delta('f')])
})

test('what is no piece of text waits for nothing, and comes after what was gathered', () => {
  paced.push(delta('a'))
  paced.push(delta('b'))
  paced.push(done)
  expect(passed).toEqual([delta('a'), delta('b'), done])
  vi.advanceTimersByTime(1_000)
  expect(passed).toHaveLength(3)
})

test('pieces of two parts are never one', () => {
  paced.push(delta('a', 0))
  paced.push(delta('b', 0))
  paced.push(delta('x', 1))
  paced.push(delta('y', 1))
  paced.flush()
  expect(passed).toEqual([delta('a', 0), delta('b', 0), delta('x', 1), delta('y', 1)])
})
