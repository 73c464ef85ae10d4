import { describe, expect, test } from 'vitest'
import { createPartAssembler } from '../../server/chat/assemble-parts'
import { encodeServerEvent } from '../../server/utils/event-stream'
import { applyChatEvent } from '../../shared/apply-chat-event'
import type { ChatEvent } from '../../shared/chat-events'
import type { Message } from '../../shared/messages'

const at = '2026-11-20T21:00:00.000Z'
const empty: Message = {
  id: '0192f0c1-2f7e-7b7e-8a0e-3f4b5c6d7e8f', conversationId: '0192f0c1-2f7e-7b7e-8a0e-3f4b5c6d7e90', parentId: null, siblingIds: [], role: 'assistant', status: 'pending', provider: null, model: 'demo',
  inputTokens: null, outputTokens: null, cachedInputTokens: null, reasoningTokens: null, contextTokens: null, leftOutTurns: null, costNanoUsd: null, latencyMs: null, ttfbMs: null, traceId: null, error: null, feedback: null, createdAt: at, parts: []
}
const chunk = (delta: object, rest: object = {}) => ({ choices: [{ index: 0, delta }], ...rest })

function assemble(chunks: Record<string, unknown>[], failure: { code: string, message: string } | null = null) {
  const assembler = createPartAssembler(() => new Date(at))
  const events: ChatEvent[] = [...chunks.flatMap(piece => assembler.take(piece)), ...assembler.finish(failure)]
  return { events, message: events.reduce<Message | undefined>(applyChatEvent, empty) }
}

describe('the parts of an answer', () => {
  test('leave pictures to be kept: each once, eight at the most, and nothing of another shape', () => {
    const assembler = createPartAssembler()
    const images = (...urls: unknown[]) => chunk({ images: urls.map(url => ({ type: 'image_url', image_url: { url } })) })
    assembler.take(images('data:1', 'data:2'))
    assembler.take(images('data:1'))
    expect(assembler.newPictures()).toEqual(['data:1', 'data:2'])
    for (const delta of [{ images: 'data:3' }, { images: [{ url: 'data:3' }] }, { images: [null] }]) expect(assembler.take(chunk(delta))).toEqual([])
    expect(assembler.newPictures()).toEqual([])
    assembler.take(images(...Array.from({ length: 20 }, (_, index) => `data:${index}`)))
    expect(assembler.newPictures()).toHaveLength(6)
  })

  test('are a run of reasoning, then a run of text, each closed when the next begins', () => {
    const { events, message } = assemble([
      chunk({ role: 'assistant', content: '' }), chunk({ reasoning_content: 'Let ' }), chunk({ reasoning_content: 'me' }), chunk({ content: 'Hel' }), chunk({ content: 'lo' }),
      { choices: [], usage: { prompt_tokens: 3, completion_tokens: 4, completion_tokens_details: { reasoning_tokens: 2 } } }
    ])
    expect(events.map(({ type }) => type)).toEqual(['part', 'delta', 'part_done', 'part', 'delta', 'usage', 'part_done'])
    expect(message).toMatchObject({
      status: 'streaming', inputTokens: 3, outputTokens: 4, reasoningTokens: 2,
      parts: [{ type: 'reasoning', text: 'Let me', index: 0, completedAt: at }, { type: 'text', text: 'Hello', index: 1, completedAt: at }]
    })
  })

  test('hold each tool call apart, even when their arguments arrive interleaved', () => {
    const call = (index: number, rest: object) => chunk({ tool_calls: [{ index, ...rest }] })
    const { message } = assemble([
      call(0, { id: 'a', function: { name: 'add', arguments: '' } }), call(0, { function: { arguments: '{"x"' } }),
      call(1, { id: 'b', function: { name: 'sub', arguments: '{' } }), call(0, { function: { arguments: ':1}' } }), call(1, { function: { arguments: '}' } })
    ])
    expect(message?.parts).toMatchObject([
      { type: 'tool_call', toolCallId: 'a', toolName: 'add', arguments: '{"x":1}' }, { type: 'tool_call', toolCallId: 'b', toolName: 'sub', arguments: '{}' }
    ])
  })

  test('end with the reason when the answer failed', () => {
    const { message } = assemble([chunk({ content: 'Half' })], { code: 'upstream_error', message: 'It broke.' })
    expect(message?.parts).toMatchObject([{ type: 'text', text: 'Half', completedAt: at }, { type: 'error', code: 'upstream_error', text: 'It broke.', completedAt: at }])
  })

  test('come through chunks of shapes nobody promised', () => {
    const { message } = assemble([{}, { choices: null }, { choices: [{ delta: null }] }, chunk({ content: 7, tool_calls: 'no' }), chunk({ content: 'ok', surprise: true }), { choices: [{ index: 1, delta: { content: 'other' } }] }])
    expect(message?.parts).toMatchObject([{ type: 'text', text: 'ok' }])
  })
})

describe('an event of the stream', () => {
  test('keeps line breaks and separators inside one data line', () => {
    const text = 'a\nb\r\n\u2028data: c\n\n'
    const event: ChatEvent = { type: 'delta', index: 0, text }
    const encoded = encodeServerEvent(7, event)
    expect(encoded.split('\n').slice(0, 2)).toEqual(['id: 7', 'event: delta'])
    expect(encoded.split('\n')).toHaveLength(5)
    expect(JSON.parse(encoded.split('\n')[2]?.slice('data: '.length) ?? '')).toEqual(event)
  })

  test('leaves the parts it does not touch as they are, so that a view need not draw them again', () => {
    const before = assemble([chunk({ reasoning_content: 'x' }), chunk({ content: 'y' })]).message
    const after = applyChatEvent(before, { type: 'delta', index: 1, text: 'z' })
    expect(after?.parts[0]).toBe(before?.parts[0])
    expect(after?.parts[1]).toMatchObject({ text: 'yz' })
  })
})
