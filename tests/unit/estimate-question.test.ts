import { describe, expect, test } from 'vitest'
import { estimateQuestion } from '../../app/utils/estimate-question'

const price = { source: 'test', inputNanoUsd: '2500000000', outputNanoUsd: '10000000000', cachedInputNanoUsd: null, cacheWriteNanoUsd: null, units: null }

describe('what a message will take', () => {
  test('is the thread and the draft, at the price of what is read, rounded up', () => {
    expect(estimateQuestion({ draft: 'x'.repeat(401), threadTokens: 900, model: { price, contextWindow: 128_000 } })).toEqual({ tokens: 1_001, costNanoUsd: '2502500', fits: true })
    expect(estimateQuestion({ draft: 'x', threadTokens: 0, model: { price: { ...price, inputNanoUsd: '1' }, contextWindow: null } })).toEqual({ tokens: 1, costNanoUsd: '1', fits: true })
  })

  test('has no price where none is known, rather than none to pay', () => {
    expect(estimateQuestion({ draft: 'x', threadTokens: 0, model: { price: null, contextWindow: null } }).costNanoUsd).toBeNull()
    expect(estimateQuestion({ draft: 'x', threadTokens: 0, model: undefined }).costNanoUsd).toBeNull()
  })

  test('does not fit once it leaves less than a quarter of the window to the answer', () => {
    const fits = (threadTokens: number) => estimateQuestion({ draft: '', threadTokens, model: { price, contextWindow: 1_000 } }).fits
    expect([fits(750), fits(751)]).toEqual([true, false])
  })
})
