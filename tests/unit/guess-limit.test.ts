import { expect, test } from 'vitest'
import { GuessLimit } from '../../server/keys/guess-limit'

const NOW = 1_800_000_000_000

function guess(limit: GuessLimit, ip: string, times: number, now = NOW) {
  for (let guesses = 0; guesses < times; guesses++) limit.failed(ip, undefined, now)
}

test('an address over its limit is told to wait, and another is not', () => {
  const limit = new GuessLimit(3)
  guess(limit, '192.0.2.1', 3)
  expect(() => limit.failed('192.0.2.1', undefined, NOW)).toThrow(expect.objectContaining({ code: 'rate_limit_exceeded', retryAfterSeconds: expect.any(Number) }))
  expect(() => limit.failed('192.0.2.2', undefined, NOW)).not.toThrow()
})

test('over its limit, an address may have one key looked up a second, so that a good caller behind it gets in', () => {
  const limit = new GuessLimit(3)
  guess(limit, '192.0.2.1', 3)
  expect(() => limit.admit('192.0.2.1', 'another', NOW)).not.toThrow()
  expect(() => limit.admit('192.0.2.1', 'another', NOW + 500)).toThrow(expect.objectContaining({ code: 'rate_limit_exceeded' }))
  expect(() => limit.admit('192.0.2.1', 'another', NOW + 1_000)).not.toThrow()
})

test('over its limit, an address may have a key that was good looked up at once, until that is wrong', () => {
  const limit = new GuessLimit(3)
  limit.proved('good')
  guess(limit, '192.0.2.1', 3)
  limit.admit('192.0.2.1', 'another', NOW)
  for (let calls = 0; calls < 3; calls++) expect(() => limit.admit('192.0.2.1', 'good', NOW)).not.toThrow()
  expect(() => limit.failed('192.0.2.1', 'good', NOW)).toThrow()
  expect(() => limit.admit('192.0.2.1', 'good', NOW)).toThrow(expect.objectContaining({ code: 'rate_limit_exceeded' }))
})

test('a minute later all is forgotten', () => {
  const limit = new GuessLimit(3)
  guess(limit, '192.0.2.1', 3)
  expect(() => guess(limit, '192.0.2.1', 3, NOW + 60_000)).not.toThrow()
})

test('the addresses of one IPv6 network count as one, however they are written', () => {
  const limit = new GuessLimit(3)
  guess(limit, '2001:db8:0:1::1', 1)
  guess(limit, '2001:0db8::1:0:0:0:2', 1)
  guess(limit, '2001:db8:0:1:ffff::', 1)
  expect(() => limit.failed('2001:db8:0:1:1:2:3:4', undefined, NOW)).toThrow()
  expect(() => limit.failed('2001:db8:0:2::1', undefined, NOW)).not.toThrow()
})

test('a caller without an address, as inside the process, is not counted', () => {
  const limit = new GuessLimit(1)
  expect(() => [limit.failed(null, undefined, NOW), limit.failed(null, undefined, NOW), limit.failed(null, undefined, NOW)]).not.toThrow()
})
