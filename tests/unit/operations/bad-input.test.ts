import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { LoomError } from '../../../server/errors'
import { operations } from '../../../server/gateway/operations/registry'
import type { CallRequest, Operation } from '../../../server/gateway/operations/operation'
import type { OperationName } from '../../../server/gateway/operations/operation-name'
import { attempt, chatStream, chatTarget, tapOf, targetOf } from '../../support/operation-calls'

const image = { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'AAAA' } }
const messages = [
  { role: 'user', content: [{ type: 'text', text: 'Hi' }, image] },
  { role: 'assistant', content: [{ type: 'tool_use', id: 't', name: 'find', input: { q: 1 } }] },
  { role: 'user', content: [{ type: 'tool_result', tool_use_id: 't', content: [{ type: 'text', text: 'Found' }, image] }] }
]
const toolsOfMessages = [{ name: 'find', description: 'Finds', input_schema: { type: 'object' } }]

/** Bodies in which everything that is read stands, to be damaged. */
const bodies: Partial<Record<OperationName, Record<string, unknown>>> = {
  'chat.completions': { model: 'm', messages: [{ role: 'user', content: [{ type: 'text', text: 'Hi' }, { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } }] }], max_tokens: 5, n: 2, stream: true, stream_options: { include_usage: true } },
  'completions': { model: 'm', prompt: 'Hi', max_tokens: 5, n: 1, stop: ['a'], stream: true, logprobs: null },
  'responses': {
    model: 'm', instructions: 'Be brief', max_output_tokens: 5, stream: true, text: { format: { type: 'json_schema', name: 'a', schema: {} } }, reasoning: { effort: 'low' }, metadata: { a: 'b' },
    input: [{ role: 'user', content: [{ type: 'input_text', text: 'Hi' }, { type: 'input_image', image_url: 'https://example.com/a.png' }] }, { type: 'function_call', call_id: 'c', name: 'find', arguments: '{}' }, { type: 'function_call_output', call_id: 'c', output: 'Found' }],
    tools: [{ type: 'function', name: 'find', parameters: { type: 'object' }, strict: true }], tool_choice: { type: 'function', name: 'find' }
  },
  'messages': { model: 'm', max_tokens: 5, system: [{ type: 'text', text: 'Be brief' }], messages, tools: toolsOfMessages, tool_choice: { type: 'auto' }, thinking: { type: 'enabled', budget_tokens: 5 }, stream: true, metadata: { user_id: 'u' }, output_config: { effort: 'low' } },
  'messages.count_tokens': { model: 'm', system: 'Be brief', messages, tools: toolsOfMessages }
}

/** The body with the value somewhere in it replaced; `path` chooses where. */
function damage(value: unknown, [at, ...path]: number[], by: unknown): unknown {
  if (at === undefined || typeof value !== 'object' || value === null) return by
  const entries = Object.entries(value)
  const chosen = entries[at % Math.max(entries.length, 1)]
  if (!chosen) return by
  const damaged = entries.map(([key, inner]): [string, unknown] => [key, key === chosen[0] ? damage(inner, path, by) : inner])
  return Array.isArray(value) ? damaged.map(([, inner]) => inner) : Object.fromEntries(damaged)
}

const nasty = fc.oneof(fc.jsonValue({ maxDepth: 3 }), fc.constantFrom<unknown>(null, -1, 1e300, '', 'a\u0000b', '\ud800', [], {}, [[[]]], { __proto__: null }, { type: 'text' }))

function parse(operation: Operation, body: unknown): CallRequest | LoomError {
  return caught(() => operation.parse(Buffer.from(JSON.stringify(body)), { 'content-type': 'application/json' }))
}

function caught<Result>(act: () => Result): Result | LoomError {
  try {
    return act()
  } catch (error) {
    if (error instanceof LoomError) return error
    throw error
  }
}

describe.each(operations.map((operation): [string, Operation] => [operation.name, operation]))('whatever is posted to %s', (_, operation) => {
  test('is understood, or refused as the caller\'s fault', () => {
    fc.assert(fc.property(fc.oneof(fc.uint8Array({ maxLength: 200 }), fc.json().map(json => Buffer.from(json))), (bytes) => {
      const request = caught(() => operation.parse(Buffer.from(bytes), { 'content-type': 'application/json' }))
      if (request instanceof LoomError) expect(request.status).toBe(400)
      expect(JSON.parse(JSON.stringify(operation.toError(new LoomError('invalid_request', 'No'))))).toMatchObject({ error: { message: 'No' } })
    }))
  })
})

const known = operations.flatMap((operation): [string, Operation, Record<string, unknown>][] => {
  const body = bodies[operation.name]
  return body ? [[operation.name, operation, body]] : []
})

describe.each(known)('a damaged body of %s', (_, operation, body) => {
  test('is bounded, counted and asked, or refused: never a failure of ours', async () => {
    const answers = { whole: JSON.stringify({ choices: [{ message: { content: 'Hi' }, finish_reason: 'stop' }] }), stream: chatStream([{ content: 'Hi' }]) }
    await fc.assert(fc.asyncProperty(fc.array(fc.nat(20), { maxLength: 6 }), nasty, async (path, by) => {
      const request = parse(operation, damage(body, path, by))
      if (request instanceof LoomError) return void expect(request.status).toBe(400)
      const bound = request.bound(targetOf('openai', 'm', { contextWindow: 100_000, maxOutputTokens: 10_000 }))
      for (const tokens of [bound.inputTokens, bound.outputTokens]) expect(tokens >= 0 && Number.isFinite(tokens)).toBe(true)
      expect(Number.isInteger(await request.countInput())).toBe(true)
      const { target } = chatTarget(request.stream ? answers.stream : answers.whole)
      const refused = await attempt(request, target).then(() => undefined, (error: unknown) => error)
      if (refused !== undefined) expect(refused).toMatchObject({ code: 'invalid_request' })
    }), { numRuns: 300 })
  })

  test('nested beyond what can be written is refused', async () => {
    const deep = `${'['.repeat(50_000)}${']'.repeat(50_000)}`
    for (const field of Object.keys(body)) {
      const raw = Buffer.from(JSON.stringify({ ...body, [field]: 'DEEP' }).replace('"DEEP"', deep))
      const request = caught(() => operation.parse(raw, {}))
      if (request instanceof LoomError) continue
      const refused = await attempt(request, chatTarget(request.stream ? chatStream([{ content: 'Hi' }]) : '{"choices":[{"message":{"content":"Hi"}}]}').target).then(() => undefined, (error: unknown) => error)
      if (refused !== undefined) expect(refused).toMatchObject({ code: 'invalid_request' })
    }
  })
})

describe.each(known.filter(([,, body]) => body.stream === true))('a stream of %s', (_, operation, body) => {
  const fresh = () => {
    const request = parse(operation, body)
    if (request instanceof LoomError) throw request
    return tapOf(request)
  }

  test('of any bytes is read or refused, and never breaks the reader', () => {
    const event = fc.oneof(fc.json(), fc.constantFrom('message_start', 'message_delta', 'content_block_start', 'content_block_delta', 'response.completed', 'response.created', 'error').map(type => JSON.stringify({ type })), fc.string())
    fc.assert(fc.property(fc.array(event, { maxLength: 8 }), fc.integer({ min: 1, max: 64 }), (events, size) => {
      const tap = fresh()
      const bytes = Buffer.from(events.map(data => `data: ${data.replaceAll('\n', ' ')}\n\n`).join(''))
      const error = caught(() => {
        for (let at = 0; at < bytes.length; at += size) tap.push(bytes.subarray(at, at + size))
        return tap.end()
      })
      if (error instanceof LoomError) expect(error.code).toBe('upstream_error')
      const usage = { inputTokens: 1, outputTokens: 1, cachedInputTokens: 0, cacheWriteTokens: 0, reasoningTokens: 0 }
      expect([String(tap.record()), String(tap.closing(usage, '0')), String(tap.failure(new LoomError('upstream_error', 'Gone')))].every(text => text.length > 0)).toBe(true)
    }), { numRuns: 500 })
  })

  test('with an event nested beyond what can be written is refused, not stumbled over later', () => {
    const deep = `${'['.repeat(50_000)}${']'.repeat(50_000)}`
    const events = ['{"type":"message_start","message":{"x":DEEP}}', '{"type":"message_delta","delta":{},"x":DEEP}', '{"type":"response.completed","response":{"x":DEEP}}', '{"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":1,"x":DEEP},"id":"c"}', '{"x":DEEP,"choices":[{"index":0,"text":"a","delta":{"content":"a"}}]}']
    for (const event of events) {
      const tap = fresh()
      const error = caught(() => tap.push(Buffer.from(`data: ${event.replace('DEEP', deep)}\n\n`)))
      if (error instanceof LoomError) continue
      const usage = { inputTokens: 1, outputTokens: 1, cachedInputTokens: 0, cacheWriteTokens: 0, reasoningTokens: 0 }
      expect([String(tap.record()), String(tap.closing(usage, '0'))].every(text => text.length > 0)).toBe(true)
    }
  })
})
