import { PassThrough } from 'node:stream'
import { describe, expect, test } from 'vitest'
import type { ChatChunk } from '../../../server/gateway/operations/assemble-completion'
import { CompletionAssembler } from '../../../server/gateway/operations/assemble-completion'
import { ChatTap } from '../../../server/gateway/operations/chat-tap'
import { relayStream } from '../../../server/gateway/relay-stream'
import { noUsage } from '../../../server/gateway/usage'
import { ResponsesTap } from '../../../server/gateway/operations/responses-tap'
import { UnansweredError } from '../../../server/gateway/transport'
import { SseSplitter } from '../../../server/gateway/sse-events'

const chunk = (delta: object, rest: object = {}) => JSON.stringify({ id: 'c1', object: 'chat.completion.chunk', created: 1, model: 'm', choices: [{ index: 0, delta, finish_reason: null }], ...rest })
const usage = { prompt_tokens: 7, completion_tokens: 3, total_tokens: 10 }
const usageChunk = JSON.stringify({ id: 'c1', object: 'chat.completion.chunk', choices: [], usage })
const end = JSON.stringify({ id: 'c1', choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] })
const answer = [chunk({ role: 'assistant', content: '' }), chunk({ content: 'Grüß ' }), chunk({ content: 'dich 👋' }), end]

/** The same stream in the framings providers use. */
const framings: Record<string, (data: string) => string> = {
  'LF': data => `data: ${data}\n\n`,
  'CRLF': data => `data: ${data}\r\n\r\n`,
  'no space after the colon': data => `data:${data}\n\n`,
  'comments and other fields around': data => `: keep-alive\n\nevent: message\nid: 7\ndata: ${data}\nretry: 3\n\n`,
  'data over several lines': data => `${data.replaceAll(',"', ',\n"').split('\n').map(line => `data: ${line}\n`).join('')}\n`
}

/** Relays `pieces` as an upstream would send them; what the caller got, and what was read. */
async function relay(pieces: Buffer[], { fail, wantsUsage = false, answers = 1 }: { fail?: Error, wantsUsage?: boolean, answers?: number } = {}) {
  const body = new PassThrough()
  const [first = Buffer.alloc(0), ...later] = pieces
  const sent: Buffer[] = []
  const tap = new ChatTap(wantsUsage, answers)
  const relayed = relayStream(first, body, { write: bytes => sent.push(bytes) > 0, drained: () => Promise.resolve() }, tap, new AbortController().signal)
  for (const piece of later) body.write(piece)
  if (fail) body.destroy(fail)
  else body.end()
  const { error } = await relayed
  return { error, tap, usage: tap.usage, rawUsage: tap.rawUsage, text: tap.text, sent: Buffer.concat(sent).toString(), closing: tap.closing(tap.usage ?? noUsage, '0.5').toString() }
}

describe.each(Object.entries(framings))('a stream framed with %s', (_, frame) => {
  const bytes = Buffer.from([...answer, usageChunk, '[DONE]'].map(frame).join(''))

  test('gives the same answer and usage wherever it is cut, and the same bytes but for what is kept back', async () => {
    const forwarded = [...answer].map(frame).join('')
    for (let cut = 0; cut <= bytes.length; cut++) {
      const outcome = await relay([bytes.subarray(0, cut), bytes.subarray(cut)])
      expect(outcome, `cut at ${cut}`).toMatchObject({ error: undefined, usage: { inputTokens: 7, outputTokens: 3 }, rawUsage: usage })
      expect(outcome.text).toBe('Grüß dich 👋')
      expect(outcome.sent.replaceAll(/: keep-alive\n\n/g, '')).toBe(forwarded.replaceAll(/: keep-alive\n\n/g, ''))
    }
  })

  test('gives the same byte by byte', async () => {
    const outcome = await relay(Array.from(bytes, (_, at) => bytes.subarray(at, at + 1)))
    expect(outcome).toMatchObject({ error: undefined, usage: { inputTokens: 7, outputTokens: 3 } })
    expect(outcome.text).toBe('Grüß dich 👋')
  })
})

describe('a splitter', () => {
  const ends = ['\n\n', '\r\n\r\n', '\n\r\n']
  test.each(ends)('finds the end %j of an event at every cut into three', (blank) => {
    const bytes = Buffer.from(`data: a${blank}data: bc${blank}`)
    for (let one = 0; one <= bytes.length; one++) {
      for (let two = one; two <= bytes.length; two++) {
        const splitter = new SseSplitter()
        const events = [bytes.subarray(0, one), bytes.subarray(one, two), bytes.subarray(two)].flatMap(piece => splitter.push(piece))
        expect(events.map(event => event.data)).toEqual(['a', 'bc'])
        expect(Buffer.concat(events.map(event => event.bytes))).toEqual(bytes)
        expect(splitter.end()).toBeUndefined()
      }
    }
  })

  test.each([['\n', 'a\n b\n'], ['\r\n', 'a\n b\n']])('reads data of several lines, whatever stands between (%j)', (line, data) => {
    const [event] = new SseSplitter().push(Buffer.from(['event: x', 'data: a', 'database: no', 'id: 7', 'data:  b', 'data:', '', ''].join(line)))
    expect(event?.data).toBe(data)
  })

  test('does not look at more lines of an event than JSON has', () => {
    const [junk, data] = [Buffer.from(`${'ab\n'.repeat(1_000_000)}\n`), Buffer.from(`${'data:\n'.repeat(1_000_000)}\n`)].map(bytes => new SseSplitter().push(bytes))
    expect(junk?.[0]?.data).toBe('')
    expect(data?.[0]?.data).toHaveLength(9_999)
  })

  test('takes an event of megabytes in small pieces, and refuses one without end', () => {
    const piece = Buffer.alloc(1_024, 'x')
    const splitter = new SseSplitter()
    for (let sent = 0; sent < 12_000; sent++) expect(splitter.push(piece)).toEqual([])
    expect(splitter.push(Buffer.from('\n\n'))[0]?.bytes.length).toBe(12_000 * 1_024 + 2)
    expect(() => {
      for (;;) splitter.push(piece)
    }).toThrow('larger than 64 MiB')
  })
})

describe('an event of megabytes', () => {
  const mebibyte = 1024 * 1024

  test('passes where it is a picture, whatever tools and text stand beside it', () => {
    const tools = Array.from({ length: 20_000 }, (_, at) => ({ name: `tool ${at}`, parameters: { type: 'object', properties: {} } }))
    const picture = JSON.stringify({ tools, choices: [{ index: 0, delta: { images: [{ image_url: { url: `data:image/png;base64,${'A'.repeat(30 * mebibyte)}` } }] } }] })
    expect(new SseSplitter().push(Buffer.from(`data: ${picture}\n\n`))[0]?.data === picture).toBe(true)
  })

  test('passes where it is numbers, which take little memory', () => {
    const numbers = JSON.stringify({ a: Array.from({ length: 5_000_000 }, () => 1) })
    expect(new SseSplitter().push(Buffer.from(`data: ${numbers}\n\n`))[0]?.data === numbers).toBe(true)
  })

  test.each(['{}', '[]'])('is refused where it is many of %s, which take far more memory once they are read', (value) => {
    const event = Buffer.from(`data: {"a":[${Array.from({ length: 3_000_000 }, () => value).join(',')}]}\n\n`)
    for (const size of [event.length, 64 * 1024]) {
      const splitter = new SseSplitter()
      expect(() => {
        for (let at = 0; at < event.length; at += size) splitter.push(event.subarray(at, at + size))
      }).toThrow(UnansweredError)
    }
    const unended = new SseSplitter()
    unended.push(event.subarray(0, -2))
    expect(() => unended.end()).toThrow('more lists and objects')
  })

  test('is refused beyond 64 MiB, though it come in one piece', () => {
    expect(() => new SseSplitter().push(Buffer.from(`data: ${'A'.repeat(65 * mebibyte)}\n\n`))).toThrow('larger than 64 MiB')
  })
})

test('the mark of its encoding, with which a stream may begin, is no part of its first event', () => {
  expect(new SseSplitter().push(Buffer.from('\ufeffdata: a\n\ndata: b\n\n')).map(({ data }) => data)).toEqual(['a', 'b'])
})

test('pictures of a response, each as large as may be, are counted where the answer breaks off, and not kept', () => {
  const tap = new ResponsesTap()
  for (const id of ['ig_1', 'ig_2', 'ig_3']) {
    const item = { id, type: 'image_generation_call', status: 'completed', result: 'A'.repeat(28 * 1024 * 1024) }
    const event = Buffer.from(`data: ${JSON.stringify({ type: 'response.output_item.done', item })}\n\n`)
    expect(tap.push(event).map(({ length }) => length)).toEqual([event.length])
  }
  expect(tap.outputTokens).toBe(3 * 1_290)
  expect(JSON.parse(tap.record().toString())).toMatchObject({ output: ['ig_1', 'ig_2', 'ig_3'].map(id => ({ id, type: 'image_generation_call' })) })
  expect(tap.record().length).toBeLessThan(1_000)
})

describe('a relayed stream', () => {
  const stream = (...data: string[]) => [Buffer.from(data.map(text => `data: ${text}\n\n`).join(''))]

  test('shows usage with its cost to who asked for it', async () => {
    const { sent, closing } = await relay(stream(...answer, usageChunk, '[DONE]'), { wantsUsage: true })
    expect(sent).not.toContain('usage')
    expect(closing).toContain('"completion_tokens":3,"total_tokens":10,"cost":0.5')
    expect(closing).toMatch(/data: \[DONE\]\n\n$/)
    expect((await relay(stream(...answer, usageChunk, '[DONE]'))).closing).toBe('data: [DONE]\n\n')
  })
  test.each([
    ['beside the last choice', [JSON.stringify({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }], usage })], 7],
    ['nowhere', [end], 0],
    ['without sense', [end, JSON.stringify({ choices: [], usage: { prompt_tokens: -1 } })], 0]
  ])('shows usage with its cost where the provider tells it %s', async (_, last, tokens) => {
    const { closing, sent } = await relay(stream(chunk({ content: 'a' }), ...last, '[DONE]'), { wantsUsage: true })
    expect(sent).not.toContain('prompt_tokens')
    const [event = '', done] = closing.trim().split('\n\n')
    expect(JSON.parse(event.slice('data: '.length))).toMatchObject({ id: 'c1', object: 'chat.completion.chunk', created: 1, model: 'm', choices: [], usage: { prompt_tokens: tokens, cost: 0.5 } })
    expect(done).toBe('data: [DONE]')
  })
  test('tells usage beside a choice to nobody who did not ask for it, and leaves every other chunk as it came', async () => {
    const plain = [chunk({ content: 'a' }), chunk({ content: 'b' }, { usage: null })]
    const { sent, closing, usage: read } = await relay(stream(...plain, JSON.stringify({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }], usage, id: 'c1' }), '[DONE]'))
    expect(sent).toBe([...plain, JSON.stringify({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }], id: 'c1' })].map(data => `data: ${data}\n\n`).join(''))
    expect(closing).toBe('data: [DONE]\n\n')
    expect(read).toMatchObject({ inputTokens: 7, outputTokens: 3 })
  })
  test('reads usage in a chunk with choices, and before the last text', async () => {
    const outcome = await relay(stream(chunk({ content: 'a' }, { usage }), chunk({ content: 'b' }), end, '[DONE]'))
    expect(outcome).toMatchObject({ error: undefined, usage: { inputTokens: 7 } })
    expect(outcome.text).toBe('ab')
  })
  test('takes nothing after [DONE]', async () => {
    const outcome = await relay(stream(...answer, '[DONE]', '[DONE]', 'not json', chunk({ content: 'more' })))
    expect(outcome.error).toBeUndefined()
    expect(outcome.text).toBe('Grüß dich 👋')
  })
  test('is whole without [DONE] when its choices ended, and without a last blank line', async () => {
    expect((await relay(stream(...answer))).error).toBeUndefined()
    expect((await relay([Buffer.from(`data: ${end}\n\ndata: [DONE]`)])).error).toBeUndefined()
  })
  test('of several answers is whole when as many came, or when usage or [DONE] says that no more will', async () => {
    const second = JSON.stringify({ id: 'c1', choices: [{ index: 1, delta: { content: 'b' }, finish_reason: 'stop' }] })
    const errorOf = async (...data: string[]) => (await relay(stream(...data), { answers: 2 })).error?.code
    expect(await errorOf(...answer)).toBe('upstream_error')
    expect(await errorOf(...answer, second)).toBeUndefined()
    // Servers that know no `n`.
    expect(await errorOf(...answer, usageChunk)).toBeUndefined()
    const told = (index: number, delta: object, finish_reason: string | null) => JSON.stringify({ id: 'c1', choices: [{ index, delta, finish_reason }], usage })
    expect(await errorOf(chunk({ content: 'a' }), told(0, {}, 'stop'))).toBeUndefined()
    expect(await errorOf(chunk({ content: 'a' }), told(0, {}, 'stop'), JSON.stringify({ choices: [] }))).toBeUndefined()
    // Those that tell it on the way, or of each choice.
    expect(await errorOf(told(0, { content: 'a' }, null), told(0, {}, 'stop'))).toBe('upstream_error')
    expect(await errorOf(told(0, { content: 'a' }, null), told(0, {}, 'stop'), told(1, { content: 'b' }, null))).toBe('upstream_error')
    expect(await errorOf(told(0, { content: 'a' }, 'stop'), chunk({}))).toBe('upstream_error')
    expect(await errorOf(...answer, '[DONE]')).toBeUndefined()
    expect(await errorOf(chunk({ content: 'half' }), usageChunk)).toBe('upstream_error')
  })
  test('counts what is heard, drawn and called in OpenAI\'s first format, should it break off', async () => {
    // A second of sound: 24,000 samples of two bytes.
    const second = Buffer.alloc(48_000).toString('base64')
    const heard = await relay(stream(chunk({ audio: { id: 'a', transcript: 'Hi ' } }), chunk({ audio: { transcript: 'you', data: second } })))
    expect(heard.text).toBe('Hi you')
    expect(heard.tap).toMatchObject({ outputTokens: 21, audioOutputTokens: 21 })
    const drawn = await relay(stream(chunk({ images: [{ type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } }] })))
    expect(drawn.tap).toMatchObject({ outputTokens: 1_290, audioOutputTokens: 0 })
    const called = await relay(stream(chunk({ function_call: { name: 'find', arguments: '' } }), chunk({ function_call: { arguments: '{}' } })))
    expect(called.text).toBe('find{}')
    expect(JSON.parse(called.tap.record().toString()).choices[0].message).toMatchObject({ function_call: { name: 'find', arguments: '{}' } })
    expect((await relay(stream(chunk({ audio: 'odd', images: 'odd', function_call: 'odd', content: 'a' }), end))).error).toBeUndefined()
  })
  test.each([
    ['an error event', '{"error":{"message":"overloaded"}}', 'overloaded'],
    ['an error that is a string', '{"error":"overloaded"}', 'overloaded'],
    ['a choice that failed, as OpenRouter tells it', '{"choices":[{"index":0,"delta":{"content":""},"finish_reason":"error","error":{"code":502,"message":"upstream died"}}]}', 'upstream died'],
    ['a choice that failed, and no more', '{"choices":[{"index":0,"delta":{},"finish_reason":"error"}]}', 'says that it failed'],
    ['a flat error of older vLLM', '{"object":"error","message":"EngineDeadError","type":"InternalServerError","param":null,"code":500}', 'EngineDeadError'],
    ['what is not JSON', '{"id":', 'not JSON'],
    ['what is no chunk', '{"choices":"none"}', 'not a chat completion chunk']
  ])('ends with %s as its error', async (_, data, message) => {
    const { error, sent, text } = await relay(stream(chunk({ content: 'half' }), data))
    expect(error).toMatchObject({ code: 'upstream_error', message: expect.stringContaining(message) })
    expect(text).toBe('half')
    expect(sent).not.toContain(data)
  })
  test('ends with an error at a [DONE] that ends no answer', async () => {
    const azure = JSON.stringify({ id: '', model: '', choices: [], prompt_filter_results: [] })
    for (const events of [[], [azure], [usageChunk], [chunk({ content: 'half' })], [...answer, JSON.stringify({ choices: [{ index: 1, delta: { content: 'half' } }] })]]) {
      expect(await relay(stream(...events, '[DONE]'))).toMatchObject({ error: { code: 'upstream_error', message: expect.stringContaining('half way') }, tap: { done: false } })
    }
    expect((await relay(stream(azure, ...answer, '[DONE]'))).error).toBeUndefined()
  })

  test('is whole at [DONE] though no reason of its end was told, where the usage was', async () => {
    expect(await relay(stream(chunk({ content: 'all' }), usageChunk, '[DONE]'))).toMatchObject({ error: undefined, text: 'all' })
    expect((await relay(stream(chunk({ content: 'all' }), usageChunk))).error?.code).toBe('upstream_error')
  })

  test('ends with an error when it stops half way, or breaks', async () => {
    expect((await relay(stream(chunk({ content: 'half' })))).error?.code).toBe('upstream_error')
    expect((await relay(stream(chunk({ content: 'half' })), { fail: new Error('reset') })).error?.code).toBe('upstream_error')
  })
  test('that broke before anyone listened settles all the same', async () => {
    const body = new PassThrough()
    body.on('error', () => {}).destroy(new Error('reset'))
    await new Promise(resolve => body.once('close', resolve))
    const { error } = await relayStream(stream(chunk({ content: 'half' }))[0]!, body, { write: () => true, drained: () => Promise.resolve() }, new ChatTap(false), new AbortController().signal)
    expect(error?.code).toBe('upstream_error')
  })
  test('waits for a slow reader, from the first bytes on', async () => {
    const body = new PassThrough()
    body.pause()
    const drains: (() => void)[] = []
    const sent: string[] = []
    const relayed = relayStream(stream(chunk({ content: 'one' }))[0]!, body, {
      write: bytes => sent.push(bytes.toString()) < 0,
      drained: () => new Promise(resolve => drains.push(resolve))
    }, new ChatTap(false), new AbortController().signal)
    body.write(stream(chunk({ content: 'two' }))[0])
    await new Promise(resolve => setImmediate(resolve))
    expect(sent).toHaveLength(1)
    drains.shift()?.()
    await new Promise(resolve => setImmediate(resolve))
    expect(sent).toHaveLength(2)
    drains.shift()?.()
    body.end(stream(end, '[DONE]')[0])
    expect((await relayed).error).toBeUndefined()
  })
  test('closes an upstream that goes on after [DONE]', async () => {
    const body = new PassThrough()
    await relayStream(stream(...answer, '[DONE]')[0]!, body, { write: () => true, drained: () => Promise.resolve() }, new ChatTap(false), new AbortController().signal)
    body.write('data: on and on\n\n')
    await new Promise(resolve => body.once('close', resolve))
    expect(body.destroyed).toBe(true)
  })
})

test.each([
  ['a tool call without an index', chunk({ tool_calls: [{ id: 't', function: { name: 'find', arguments: '{}' } }] }), 'find{}'],
  ['content in parts', chunk({ content: [{ type: 'text', text: 'Hi' }, { type: 'thinking' }] }), 'Hi'],
  ['no choices but null', JSON.stringify({ id: 'c1', choices: null, usage }), '']
])('a chunk with %s, as some providers send it, passes', async (_, data, text) => {
  const outcome = await relay([Buffer.from([data, end, '[DONE]'].map(each => `data: ${each}\n\n`).join(''))])
  expect(outcome.error).toBeUndefined()
  expect(outcome.text).toBe(text)
})

describe('calls of tools in a stream', () => {
  const call = (rest: object) => chunk({ tool_calls: [rest] })
  const recorded = async (...calls: object[]) => {
    const { tap } = await relay([Buffer.from([...calls.map(call), end, '[DONE]'].map(data => `data: ${data}\n\n`).join(''))])
    return JSON.parse(tap.record().toString()).choices[0].message.tool_calls
  }

  test.each([['one index', { index: 0 }], ['none', {}]])('under %s are told apart by their ids', async (_, at) => {
    expect(await recorded(
      { ...at, id: 'a', function: { name: 'find', arguments: '' } }, { ...at, function: { arguments: '{"q":1}' } },
      { ...at, id: 'b', function: { name: 'find', arguments: '{"q"' } }, { ...at, id: 'b', function: { name: 'find', arguments: ':2}' } }
    )).toMatchObject([{ id: 'a', function: { arguments: '{"q":1}' } }, { id: 'b', function: { arguments: '{"q":2}' } }])
  })
  test.each([['one index', { index: 0 }], ['none', {}]])('without arguments are told apart where they come in one chunk, under %s', async (_, at) => {
    const delta = { tool_calls: ['a', 'b', 'c'].map(id => ({ ...at, id, function: { name: 'find', arguments: '' } })) }
    const { tap } = await relay([Buffer.from([chunk(delta), end, '[DONE]'].map(data => `data: ${data}\n\n`).join(''))])
    expect(JSON.parse(tap.record().toString()).choices[0].message.tool_calls).toMatchObject([{ id: 'a' }, { id: 'b' }, { id: 'c' }])
  })
  test.each([
    ['nothing more', []], ['a call of another tool', [{ index: 0, id: 'd', function: { name: 'stop', arguments: '{}' } }]], ['another index', [{ index: 1, id: 'd', function: { name: 'find', arguments: '{}' } }]]
  ])('without arguments are told apart in chunks of their own, followed by %s', async (_, more) => {
    const empty = ['a', 'b', 'c'].map(id => ({ index: 0, id, function: { name: 'find', arguments: '' } }))
    expect(await recorded(...empty, ...more)).toMatchObject([{ id: 'a' }, { id: 'b' }, { id: 'c' }, ...more.map(() => ({ id: 'd', function: { arguments: '{}' } }))])
  })
  test('before any arguments go on with those of the last one, where they come without an id, or with its', async () => {
    const empty = ['a', 'b'].map(id => ({ index: 0, id, function: { name: 'find', arguments: '' } }))
    const calls = [{ id: 'a', function: { arguments: '' } }, { id: 'b', function: { arguments: '{"q":1}' } }]
    expect(await recorded(...empty, { index: 0, function: { arguments: '{"q":1}' } })).toMatchObject(calls)
    expect(await recorded(...empty, { index: 0, id: 'b', function: { name: 'find', arguments: '{"q":1}' } })).toMatchObject(calls)
  })
  test('without ids are told apart by another name after whole arguments', async () => {
    expect(await recorded(
      { index: 0, function: { name: 'fi' } }, { index: 0, function: { name: 'nd', arguments: '{"q"' } }, { index: 0, function: { arguments: ':1}' } }, { index: 0, function: { name: 'stop', arguments: '{}' } }
    )).toMatchObject([{ function: { name: 'find', arguments: '{"q":1}' } }, { function: { name: 'stop', arguments: '{}' } }])
  })
  test('are not torn apart by ids that come late, or anew with every piece', async () => {
    expect(await recorded(
      { index: 0, function: { name: 'find', arguments: '{' } }, { index: 0, id: 'a', function: { arguments: '}' } },
      { index: 1, id: 'b', function: { name: 'stop', arguments: '{' } }, { index: 1, id: 'c', function: { arguments: '}' } }
    )).toMatchObject([{ id: 'a', function: { name: 'find', arguments: '{}' } }, { id: 'b', function: { name: 'stop', arguments: '{}' } }])
  })
  test.each([
    ['amid a string', ['{"q"', ':"}\\"', '{', '"}', '']], ['after an empty piece', ['', '{}', '']], ['after several, as words to stop at hold its text back', ['', '', '', '{"q"', ':1}', '']], ['with an empty end', ['{"q":1}', '']], ['going on after its end', ['{', '}', ' ', '\n']]
  ])('are not torn apart by a forced tool that older vLLM writes with its name and a new id in every piece, %s', async (_, pieces) => {
    const deltas = pieces.map((piece, at) => ({ tool_calls: [{ index: 0, id: `random-${at}`, function: { name: 'find', arguments: piece } }] }))
    const chunks = deltas.map((delta, at) => JSON.stringify({ id: 'c1', choices: [{ index: 0, delta, finish_reason: at === deltas.length - 1 ? 'stop' : null }] }))
    const { tap } = await relay([Buffer.from([...chunks, '[DONE]'].map(data => `data: ${data}\n\n`).join(''))])
    expect(JSON.parse(tap.record().toString()).choices[0].message.tool_calls)
      .toEqual([{ id: 'random-0', type: 'function', function: { name: 'find', arguments: pieces.join('') } }])
    expect(tap.text).toBe(`find${pieces.join('')}`)
  })
  test('of one tool and another begin at once under other ids, whatever the arguments of the one', async () => {
    expect(await recorded(
      { index: 0, id: 'a', function: { name: 'find', arguments: '' } }, { index: 0, id: 'b', function: { name: 'stop', arguments: '{"q":"}' } }, { index: 0, id: 'c', function: { name: 'find', arguments: '{}' } }
    )).toMatchObject([{ id: 'a', function: { name: 'find', arguments: '' } }, { id: 'b', function: { name: 'stop' } }, { id: 'c', function: { name: 'find', arguments: '{}' } }])
  })
})

test('chunks put together are the completion they amount to, tool calls and all', () => {
  const assembled = new CompletionAssembler()
  const add = (index: number, delta: ChatChunk['choices'][number]['delta'], finish_reason: string | null = null) => assembled.add({ id: 'c1', created: 1, model: 'm', choices: [{ index, delta, finish_reason }] })
  add(1, { content: 'B' })
  add(0, { reasoning_content: 'Hm. ' })
  add(0, { tool_calls: [{ index: 0, id: 't1', function: { name: 'find', arguments: '{"a"' } }] })
  expect(assembled.ended).toBeUndefined()
  add(0, { tool_calls: [{ index: 0, function: { arguments: ':1}' } }, { index: 1, id: 't2', function: { name: 'stop' } }] }, 'tool_calls')
  add(1, { refusal: 'No.' }, 'stop')
  expect(assembled.ended).toBe(2)
  expect(assembled.length).toBe(assembled.text.length)
  expect(assembled.completion(usage)).toMatchObject({
    object: 'chat.completion',
    choices: [
      { index: 1, message: { content: 'B', refusal: 'No.' }, finish_reason: 'stop' },
      { index: 0, message: { content: null, reasoning_content: 'Hm. ', tool_calls: [{ id: 't1', function: { name: 'find', arguments: '{"a":1}' } }, { id: 't2', function: { name: 'stop', arguments: '' } }] }, finish_reason: 'tool_calls' }
    ],
    usage
  })
})
