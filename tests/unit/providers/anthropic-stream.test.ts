import { Readable } from 'node:stream'
import { describe, expect, test } from 'vitest'
import { AnthropicStream } from '../../../server/gateway/providers/anthropic-stream'
import { translateEvents } from '../../../server/gateway/providers/translate-events'
import { connectionOf, ErrorObject, eventsIn, readChunks } from '../../support/provider-calls'

const event = (data: { type: string } & Record<string, unknown>) => `event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`

/** As Anthropic streams an answer that thinks, speaks, calls a tool without arguments and reads and writes its cache. */
const recorded = [
  event({ type: 'message_start', message: { id: 'msg_01', type: 'message', role: 'assistant', model: 'claude-sonnet-4-5-20250929', content: [], stop_reason: null, usage: { input_tokens: 12, cache_creation_input_tokens: 100, cache_read_input_tokens: 30, output_tokens: 1, service_tier: 'standard' } } }),
  event({ type: 'content_block_start', index: 0, content_block: { type: 'thinking', thinking: '', signature: '' } }),
  event({ type: 'ping' }),
  event({ type: 'content_block_delta', index: 0, delta: { type: 'thinking_delta', thinking: 'Hm, 考える…' } }),
  event({ type: 'content_block_delta', index: 0, delta: { type: 'signature_delta', signature: 'EqQBCg' } }),
  event({ type: 'content_block_stop', index: 0 }),
  event({ type: 'content_block_start', index: 1, content_block: { type: 'text', text: '' } }),
  event({ type: 'content_block_delta', index: 1, delta: { type: 'text_delta', text: 'Grüße 👋🏽, ' } }),
  event({ type: 'content_block_delta', index: 1, delta: { type: 'text_delta', text: 'Welt' } }),
  event({ type: 'content_block_stop', index: 1 }),
  event({ type: 'content_block_start', index: 2, content_block: { type: 'tool_use', id: 'toolu_1', name: 'look', input: {} } }),
  event({ type: 'content_block_delta', index: 2, delta: { type: 'input_json_delta', partial_json: '' } }),
  event({ type: 'content_block_delta', index: 2, delta: { type: 'input_json_delta', partial_json: '{"at":"Zü' } }),
  event({ type: 'content_block_delta', index: 2, delta: { type: 'input_json_delta', partial_json: 'rich"}' } }),
  event({ type: 'content_block_stop', index: 2 }),
  event({ type: 'something_new', payload: 1 }),
  event({ type: 'message_delta', delta: { stop_reason: 'tool_use', stop_sequence: null }, usage: { input_tokens: null, output_tokens: 89 } }),
  event({ type: 'message_stop' })
].join('')

async function translate(...pieces: (string | Uint8Array)[]): Promise<string> {
  const body = translateEvents(Readable.from(pieces.map(piece => Buffer.from(piece)), { objectMode: false }), new AnthropicStream(connectionOf('anthropic'), new Date(0)))
  return Buffer.concat(await body.toArray()).toString('utf8')
}

test('thinking, text, tools and usage arrive as chat-completion chunks', async () => {
  const answer = readChunks(await translate(recorded))
  expect(answer).toEqual({
    reasoning: 'Hm, 考える…',
    content: 'Grüße 👋🏽, Welt',
    toolCalls: [{ id: 'toolu_1', name: 'look', arguments: '{"at":"Zürich"}' }],
    finishReason: 'tool_calls',
    usage: { prompt_tokens: 142, completion_tokens: 89, total_tokens: 231, prompt_tokens_details: { cached_tokens: 30, cache_write_tokens: 100 } }
  })
})

test('the network may cut the stream at any byte without changing a thing', async () => {
  const bytes = Buffer.from(recorded)
  const whole = await translate(bytes)
  const cuts = await Promise.all(Array.from(bytes.keys(), at => translate(bytes.subarray(0, at), bytes.subarray(at))))
  expect(new Set(cuts)).toEqual(new Set([whole]))
  expect(await translate(...Array.from(bytes, byte => Buffer.of(byte)))).toBe(whole)
}, 60_000)

test('lines may end as in Anthropic\'s streams, or as in Google\'s', async () => {
  expect(await translate(recorded.replaceAll('\n', '\r\n'))).toBe(await translate(recorded))
})

describe('a tool that is called without input', () => {
  const head = recorded.slice(0, recorded.indexOf('event: content_block_start'))
  const call = (index: number, ...pieces: string[]) => [
    event({ type: 'content_block_start', index, content_block: { type: 'tool_use', id: `toolu_${index}`, name: 'snooze', input: {} } }),
    ...pieces.map(piece => event({ type: 'content_block_delta', index, delta: { type: 'input_json_delta', partial_json: piece } })),
    event({ type: 'content_block_stop', index })
  ].join('')
  const end = (reason: string) => event({ type: 'message_delta', delta: { stop_reason: reason }, usage: { output_tokens: 9 } }) + event({ type: 'message_stop' })
  const argumentsIn = async (stream: string) => readChunks(await translate(stream)).toolCalls.map(({ arguments: written }) => written)

  test('is called with an empty object, in JSON, before the next call begins', async () => {
    expect(await argumentsIn(head + call(0, '') + call(1, '', '{"at"', ':7}') + call(2) + end('tool_use'))).toEqual(['{}', '{"at":7}', '{}'])
    const calls = eventsIn(await translate(head + call(0) + call(1) + end('tool_use'))).flatMap(data => /"tool_calls":\[\{"index":(\d)/.exec(data)?.[1] ?? [])
    expect(calls).toEqual(['0', '0', '1', '1'])
  })

  test('unless the answer was cut off there', async () => {
    expect(await argumentsIn(head + call(0) + call(1) + end('max_tokens'))).toEqual(['{}', ''])
  })
})

describe('a stream that goes wrong ends with one error event and no [DONE]', () => {
  const untilText = recorded.slice(0, recorded.indexOf('event: content_block_stop'))
  test.each([
    ['an error of the provider', `${untilText}${event({ type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } })}${recorded}`, { message: 'Overloaded', type: 'overloaded_error' }],
    ['an end before message_stop', untilText, { type: 'upstream_error' }],
    ['no event at all', '', { type: 'upstream_error' }],
    ['JSON cut short', `${untilText}data: {"type":"message_de\n\n${recorded}`, { type: 'upstream_error' }],
    ['a known event of another shape', `${untilText}${event({ type: 'message_start', message: null })}`, { type: 'upstream_error' }]
  ])('%s', async (_name, stream, expected) => {
    const events = eventsIn(await translate(stream))
    expect(ErrorObject.parse(JSON.parse(events.at(-1) ?? '')).error).toMatchObject(expected)
    expect(events.filter(data => data === '[DONE]' || data.includes('"error"'))).toHaveLength(1)
  })
})

test('an event without end fails before it fills the memory', async () => {
  const megabyte = Buffer.alloc(1024 * 1024, 'x')
  let sent = 0
  const endless = new Readable({
    read() {
      sent++
      this.push(sent === 1 ? 'data: ' : megabyte)
    }
  })
  const body = translateEvents(endless, new AnthropicStream(connectionOf('anthropic'), new Date(0)))
  await expect(body.toArray()).rejects.toMatchObject({ code: 'upstream_error' })
  expect(endless.destroyed).toBe(true)
  expect(sent).toBeLessThan(80)
})

test('a name of a message that goes on for megabytes is not repeated in each piece of it', async () => {
  const long = 'x'.repeat(1024 * 1024)
  const start = event({ type: 'message_start', message: { id: long, type: 'message', role: 'assistant', model: long, content: [], stop_reason: null, stop_sequence: null, usage: { input_tokens: 1, output_tokens: 1 } } })
  const piece = event({ type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'a' } })
  const translated = await translate(start + event({ type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } }) + piece.repeat(500))
  expect(translated.length).toBeLessThan(1024 * 1024)
})

test('what is made of one piece of a stream has a bound', async () => {
  const body = translateEvents(Readable.from([Buffer.from('data: a\n\n'.repeat(100))], { objectMode: false }), { event: () => 'x'.repeat(1024 * 1024), end: () => '' })
  await expect(body.toArray()).rejects.toMatchObject({ code: 'upstream_error', message: expect.stringContaining('larger than 64 MiB') })
})
