import { expect, test } from 'vitest'
import { findRootCause, toLoggableError } from '../../server/operations/loggable-error'

function causedBy(cause: unknown, depth: number): unknown {
  return depth === 0 ? cause : causedBy(new Error(`level ${depth}`, { cause }), depth - 1)
}

test('what an error came of is told in the end', () => {
  expect(findRootCause(causedBy(new TypeError('the first'), 3))).toEqual({ type: 'TypeError', message: 'the first' })
})

test('however many causes an error has, itself among them, a few are told', () => {
  const own = new Error('its own cause')
  own.cause = own
  expect(findRootCause(own)).toEqual({ type: 'Error', message: 'its own cause' })
  const deep = causedBy(new TypeError('the first'), 1_000)
  expect(findRootCause(deep)).toEqual({ type: 'Error', message: 'level 6' })
  expect(JSON.stringify(toLoggableError(deep)).match(/level/g)?.length).toBeLessThan(20)
})
