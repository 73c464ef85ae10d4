import { describe, expect, test } from 'vitest'
import { mayBePosted } from '../../app/utils/may-be-posted'

describe('what was sent to a wallet and failed', () => {
  test.each([[0, 'network'], [500, 'internal_error'], [502, 'bad_gateway'], [503, 'service_unavailable']])('may be posted after %i', (status, code) => {
    expect(mayBePosted({ status, code }, false)).toBe(true)
  })

  test.each([[401, 'unauthorized'], [403, 'forbidden'], [409, 'ref_id_conflict'], [429, 'rate_limited']])('is not posted when it is refused at once with %i', (status, code) => {
    expect(mayBePosted({ status, code }, false)).toBe(false)
  })

  test('once unsure, is known not to be posted by a refusal of the ledger alone', () => {
    expect(mayBePosted({ status: 402, code: 'insufficient_funds' }, true)).toBe(false)
    expect(mayBePosted({ status: 409, code: 'ref_id_conflict' }, true)).toBe(false)
    expect(mayBePosted({ status: 401, code: 'unauthorized' }, true)).toBe(true)
    expect(mayBePosted({ status: 429, code: 'rate_limited' }, true)).toBe(true)
  })
})
