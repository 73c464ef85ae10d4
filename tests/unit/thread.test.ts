import { describe, expect, test } from 'vitest'
import { nextMessageId } from '../../server/chat/message-id'
import { titleFromText } from '../../server/chat/title-from-text'
import type { ContextMessage } from '../../server/chat/trim-context'
import { trimContext } from '../../server/chat/trim-context'
import { decodeCursor, encodeCursor } from '../../server/projects/list-cursor'
import { SendMessage } from '../../shared/answers'

describe('the title of a conversation', () => {
  test.each([
    ['Why is the sky blue?', 'Why is the sky blue?'],
    ['\n\n  ## Plan   for\tMonday\nmore', 'Plan for Monday'],
    ['Write me a long letter to the city council about the trees in our street', 'Write me a long letter to the city council about the trees…'],
    ['Please, explain this to me in all of its many details, and then: more', 'Please, explain this to me in all of its many details, and…'],
    ['x'.repeat(500), `${'x'.repeat(59)}…`],
    ['👩‍🚀'.repeat(50), expect.stringMatching(/…$/)],
    ['---', '']
  ])('of %j is %j', (text, title) => {
    expect(titleFromText(text)).toEqual(title)
    expect([...titleFromText(text)].length).toBeLessThanOrEqual(60)
    expect(titleFromText(text).isWellFormed()).toBe(true)
  })
})

describe('the id of the next message', () => {
  test('sorts after the last one even when that was made by a clock an hour ahead', () => {
    const ahead = nextMessageId(undefined, 0)
    const fromTheFuture = nextMessageId('0fffffff-ffff-7fff-bfff-ffffffffffff')
    expect(fromTheFuture > '0fffffff-ffff-7fff-bfff-ffffffffffff').toBe(true)
    expect(nextMessageId(fromTheFuture) > fromTheFuture).toBe(true)
    expect(nextMessageId(ahead) > ahead).toBe(true)
  })
})

describe('what of a thread is sent', () => {
  const turn = (index: number, length: number): ContextMessage[] => [
    { role: 'user', content: `q${index}`.padEnd(length, '.') }, { role: 'assistant', content: `a${index}`.padEnd(length, '.') }
  ]
  const question: ContextMessage = { role: 'user', content: 'now?' }
  const none = { instructions: '', shown: [] }

  test('is all of it, after the instructions, when it fits', () => {
    const thread = [...turn(1, 10), ...turn(2, 10), question]
    expect(trimContext({ instructions: 'Be brief.', shown: [] }, thread, 1_000)).toEqual({ messages: [{ role: 'system', content: 'Be brief.' }, ...thread], leftOutTurns: 0 })
  })

  test('drops the oldest turns whole and keeps the instructions', () => {
    // 1,000 tokens: three quarters of them, at three characters each, are 2,250 characters.
    const sent = trimContext({ instructions: 'Be brief.', shown: [] }, [...turn(1, 600), ...turn(2, 600), ...turn(3, 600), question], 1_000)
    expect(sent.messages.map(({ content }) => content.slice(0, 4))).toEqual(['Be b', 'q3..', 'a3..', 'now?'])
    expect(sent.leftOutTurns).toBe(2)
  })

  test('goes by what a provider counted, and estimates no more than what followed', () => {
    const counted = (countedTokens: number) => [...turn(1, 600), ...turn(2, 600), ...turn(3, 600)].map((message, index) => index === 5 ? { ...message, countedTokens } : message)
    // 749 tokens and two of the question: by its words alone it would be 1,202.
    expect(trimContext(none, [...counted(748), question], 1_000).leftOutTurns).toBe(0)
    expect(trimContext(none, [...counted(749), question], 1_000).leftOutTurns).toBe(1)
    // However little a word of the turns counted for, one of what followed takes its own.
    expect(trimContext(none, [...counted(600), { role: 'user', content: 'x'.repeat(1_050) }], 1_000).leftOutTurns).toBe(1)
    // So few cannot be of the same words: it was counted without what tools and pictures add, and their estimate of 1,202 is all there is.
    expect(trimContext(none, [...counted(599), question], 1_000).leftOutTurns).toBe(2)
    // Two turns of 550 tokens are too much already.
    expect(trimContext(none, [...counted(1_650), question], 1_000).leftOutTurns).toBe(2)
  })

  test('leaves room for the pictures of the project', () => {
    const shown = [{ fileId: 'p', name: 'plan.png', mime: 'image/png', sizeBytes: 1 }]
    expect(trimContext({ instructions: '', shown }, [...turn(1, 3_000), ...turn(2, 3_000), question], 8_000).leftOutTurns).toBe(0)
    expect(trimContext({ instructions: '', shown }, [...turn(1, 3_000), ...turn(2, 3_000), question], 7_000).leftOutTurns).toBe(1)
  })

  test('always has the question, however long', () => {
    const long: ContextMessage = { role: 'user', content: 'x'.repeat(10_000) }
    expect(trimContext(none, [...turn(1, 10), long], 1_000)).toEqual({ messages: [long], leftOutTurns: 1 })
  })
})

describe('the cursor of a list', () => {
  test('reads back what it was made of', () => {
    const position = { pinned: true, lastActiveAt: '2026-11-20T21:00:00.123456Z', id: '0192f0c1-2f7e-7b7e-8a0e-3f4b5c6d7e8f' }
    expect(decodeCursor(encodeCursor(position))).toEqual(position)
  })

  test.each(['x', 'eyJhIjoxfQ', Buffer.from('[true,"yesterday","1"]').toString('base64url')])('refuses %j as a bad request', (cursor) => {
    expect(() => decodeCursor(cursor)).toThrow(expect.objectContaining({ code: 'invalid_request', param: 'cursor' }))
  })
})

describe('a message to send', () => {
  test.each([{}, { text: '' }, { text: ' \n ' }, { text: 7 }, { text: 'x'.repeat(200_001) }, { text: 'x', role: 'system' }, { text: 'x', model: '' }, [], null])('is not %j', (input) => {
    expect(SendMessage.safeParse(input).success).toBe(false)
  })

  test('loses what no database can store, and nothing else', () => {
    expect(SendMessage.parse({ text: ' a\0b \ud83d c 👍\n' })).toEqual({ text: ' ab \ufffd c 👍\n' })
  })
})
