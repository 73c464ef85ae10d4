import { describe, expect, test } from 'vitest'
import { estimateQuestion, estimateThread } from '../../app/utils/estimate-question'
import type { Message } from '../../shared/messages'

const price = { source: 'test', inputNanoUsd: '2500000000', outputNanoUsd: '10000000000', cachedInputNanoUsd: null, cacheWriteNanoUsd: null, units: null }

describe('what a message will take', () => {
  test('is the thread and the draft, at the price of what is read, rounded up', () => {
    expect(estimateQuestion({ draft: 'x'.repeat(301), files: [], threadTokens: 900, model: { price, contextWindow: 128_000 } })).toEqual({ tokens: 1_001, costNanoUsd: '2502500', fits: true })
    expect(estimateQuestion({ draft: 'x', files: [], threadTokens: 0, model: { price: { ...price, inputNanoUsd: '1' }, contextWindow: null } })).toEqual({ tokens: 1, costNanoUsd: '1', fits: true })
  })

  test('counts the text of files as words, and each picture as a large one', () => {
    const file = (mime: string, sizeBytes: number) => ({ fileId: 'f', name: 'f', mime, sizeBytes })
    expect(estimateQuestion({ draft: '', files: [file('text/plain', 3_000), file('image/png', 9)], threadTokens: 0, model: undefined }).tokens).toBe(2_500)
  })

  test('has no price where none is known, rather than none to pay', () => {
    expect(estimateQuestion({ draft: 'x', files: [], threadTokens: 0, model: { price: null, contextWindow: null } }).costNanoUsd).toBeNull()
    expect(estimateQuestion({ draft: 'x', files: [], threadTokens: 0, model: undefined }).costNanoUsd).toBeNull()
  })

  test('does not fit once it leaves less than a quarter of the window to the answer', () => {
    const fits = (threadTokens: number, contextWindow: number | null) => estimateQuestion({ draft: '', files: [], threadTokens, model: { price, contextWindow } }).fits
    expect([fits(750, 1_000), fits(751, 1_000)]).toEqual([true, false])
    expect([fits(24_000, null), fits(24_001, null)], 'a window nobody has named is taken to be small').toEqual([true, false])
  })
})

describe('what a thread takes', () => {
  const at = '2026-11-28T12:00:00.000Z'
  const message = (role: 'user' | 'assistant', text: string, counted: Partial<Message> = {}): Message => ({
    id: text, conversationId: 'c', parentId: null, siblingIds: [], role, status: 'complete', provider: null, model: null, inputTokens: null, outputTokens: null, cachedInputTokens: null, reasoningTokens: null,
    contextTokens: null, leftOutTurns: null, costNanoUsd: null, latencyMs: null, ttfbMs: null, traceId: null, error: null, feedback: null, createdAt: at, ...counted,
    parts: [{ type: 'text', text, index: 0, startedAt: at, completedAt: at }]
  })

  test('is what was counted with the last answer, and about what followed', () => {
    const thread = [message('user', 'x'.repeat(999)), message('assistant', 'x', { inputTokens: 500, outputTokens: 50, contextTokens: 520, leftOutTurns: 0 })]
    expect(estimateThread(0, thread)).toBe(520)
    expect(estimateThread(0, [...thread, message('user', 'x'.repeat(30)), message('assistant', '')])).toBe(530)
    expect(estimateThread(0, [message('user', 'x'.repeat(30)), message('assistant', 'x'.repeat(31))])).toBe(21)
  })

  test('begins with what stands before it, unless that was counted with an answer', () => {
    const thread = [message('user', 'x'.repeat(30)), message('assistant', 'x'.repeat(30))]
    expect(estimateThread(100, [])).toBe(100)
    expect(estimateThread(100, thread)).toBe(120)
    expect(estimateThread(100, [...thread, message('user', 'x'), message('assistant', 'x', { contextTokens: 90, leftOutTurns: 0 })])).toBe(90)
    expect(estimateThread(200, [...thread, message('user', 'x'), message('assistant', 'x', { contextTokens: 90, leftOutTurns: 0 })]), 'a count without it').toBe(222)
  })

  test.each([
    ['failed', { inputTokens: 0, outputTokens: 0, contextTokens: 0, leftOutTurns: 0 }],
    ['was written without the oldest turns', { inputTokens: 400, outputTokens: 5, contextTokens: 405, leftOutTurns: 2 }],
    ['read less than the words that stand there', { inputTokens: 100, outputTokens: 60, contextTokens: 160, leftOutTurns: 0 }]
  ])('is not what was counted with an answer that %s', (_, figures) => {
    expect(estimateThread(0, [message('user', 'x'.repeat(999)), message('assistant', 'x', figures)])).toBe(334)
  })
})
