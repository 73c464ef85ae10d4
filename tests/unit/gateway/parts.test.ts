import { describe, expect, test } from 'vitest'
import type { Price } from '../../../server/billing/price'
import type { Target } from '../../../server/catalog/target'
import { computeCost } from '../../../server/billing/compute-cost'
import { Batcher } from '../../../server/gateway/batcher'
import { parseBilling } from '../../../server/gateway/billing-headers'
import type { ChatBody } from '../../../server/gateway/operations/chat-completions'
import { parseChatRequest } from '../../../server/gateway/operations/chat-completions'
import { countTextTokens } from '../../../server/gateway/count-tokens'
import { boundCost } from '../../../server/gateway/estimate-cost'
import { readUsage } from '../../../server/gateway/usage'
import { encodeBody } from '../../../server/gateway/providers/encode-body'
import { targetOf } from '../../support/operation-calls'

describe('a batcher', () => {
  const isItemFault = (error: unknown) => error instanceof RangeError

  test('sends together what comes in one turn, and gathers meanwhile; each gets its own result', async () => {
    const sizes: number[] = []
    const batcher = new Batcher<number, number>(async (items) => {
      sizes.push(items.length)
      return items.map(item => item * 2)
    }, 3)
    expect(await Promise.all([1, 2, 3, 4, 5].map(item => batcher.add(item)))).toEqual([2, 4, 6, 8, 10])
    expect(sizes).toEqual([3, 2])
  })

  test.each([[[0]], [[3]], [[7]], [[2, 5]], [[0, 1, 2, 3, 4, 5, 6, 7]]])('refuses the faulty items %j alone, and handles each other exactly once', async (faulty) => {
    const handled: number[] = []
    const batcher = new Batcher<number, number>(async (items) => {
      if (items.some(item => faulty.includes(item))) throw new RangeError('a faulty item')
      handled.push(...items)
      return items
    }, 100, isItemFault)
    const outcomes = await Promise.allSettled([0, 1, 2, 3, 4, 5, 6, 7].map(item => batcher.add(item)))
    expect(outcomes.flatMap(({ status }, item) => status === 'rejected' ? [item] : [])).toEqual(faulty)
    expect(handled.sort()).toEqual([0, 1, 2, 3, 4, 5, 6, 7].filter(item => !faulty.includes(item)))
  })

  test('rejects a whole batch that failed for another reason, then goes on; draining waits for all', async () => {
    let down = true
    const batcher = new Batcher<number, number>(async (items) => {
      if (down) throw new Error('gone')
      return items
    }, 10, isItemFault)
    expect((await Promise.allSettled([batcher.add(1), batcher.add(2)])).map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    down = false
    const later = batcher.add(3)
    await batcher.drain()
    expect(await later).toBe(3)
  })
})

const price: Price = { source: 'test', inputPrice: 150_000_000n, outputPrice: 600_000_000n, cachedInputPrice: 75_000_000n, cacheWritePrice: 200_000_000n }

describe('the bound of a call', () => {
  const bound = (rest: Partial<ChatBody>, limits: Partial<Target> = {}) => {
    const raw = Buffer.from(JSON.stringify({ model: 'm', messages: [{ role: 'user', content: 'Hi' }], ...rest }))
    return parseChatRequest(raw).bound(targetOf('openai', 'm', limits))
  }

  test('takes the larger of two output limits: which one a provider obeys is not known', () => {
    expect(bound({ max_completion_tokens: 1, max_tokens: 5_000 }).outputTokens).toBe(5_000)
    expect(bound({ max_completion_tokens: 5_000, max_tokens: 1 }).outputTokens).toBe(5_000)
  })
  test('leaves room to think where the limit is ours, as much as is sent', () => {
    const thinking = { type: 'enabled', budget_tokens: 10_000 }
    expect(bound({ thinking }, { maxOutputTokens: 64_000, defaultOutputTokens: 8_192 }).outputTokens).toBe(18_192)
    expect(bound({ thinking: { ...thinking, budget_tokens: 0.5 } }, { maxOutputTokens: 64_000, defaultOutputTokens: 8_192 }).outputTokens).toBe(8_192)
    expect(bound({ thinking, max_tokens: 2_000 }, { maxOutputTokens: 64_000, defaultOutputTokens: 8_192 }).outputTokens).toBe(2_000)
  })
  test('multiplies by n, and keeps to the model\'s caps', () => {
    expect(bound({ max_tokens: 9_000, n: 3 }, { maxOutputTokens: 4_000 }).outputTokens).toBe(12_000)
    expect(bound({ messages: [{ role: 'user', content: 'x'.repeat(9_000) }] }, { contextWindow: 8_000 }).inputTokens).toBe(8_000)
    expect(bound({}, { maxOutputTokens: 4_000 }).outputTokens).toBe(4_000)
  })
  test('of the largest request the schema lets through still fits the ledger', () => {
    const tokens = bound({ max_tokens: Number.MAX_SAFE_INTEGER, n: 128 })
    expect(boundCost(tokens, { ...price, outputPrice: 600_000_000_000n })).toBeLessThan(2n ** 63n)
  })
  test('counts an image by the image, and everything else by its bytes, whatever it is called', () => {
    const data = 'A'.repeat(500_000)
    expect(bound({ messages: [{ role: 'assistant', images: [{ type: 'image_url', image_url: { url: `data:image/png;base64,${data}` } }] }] }).inputTokens).toBeLessThan(60_000)
    expect(bound({ messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: `data:image/png;base64,${data}` } }] }] }).inputTokens).toBeLessThan(60_000)
    for (const part of [{ type: 'file', file: { file_data: data } }, { type: 'refusal', refusal: data }, { type: 'input_text', text: data }, { type: 'image_url', image_url: data }]) {
      expect(bound({ messages: [{ role: 'user', content: [part] }] }).inputTokens).toBeGreaterThan(500_000)
    }
    expect(bound({ tools: [{ description: data }] }).inputTokens).toBeGreaterThan(500_000)
  })
  test('is the whole window for what a provider keeps, fetches or unpacks, and an image more for one by its address alone', () => {
    const of = (part: object) => bound({ messages: [{ role: 'user', content: [{ type: 'text', text: 'Hi' }, part] }] }, { contextWindow: 400_000 }).inputTokens
    for (const part of [{ type: 'file', file: { file_id: 'file-1' } }, { type: 'file', file: { file_data: 'https://x.example/a.pdf' } }, { type: 'document_url', document_url: 'https://x.example/a.pdf' }, { type: 'video_url', video_url: { url: 'https://x.example/a.mp4' } },
      { type: 'file', file: { file_data: 'data:application/pdf;base64,AAAA' } }, { type: 'video_url', video_url: { url: 'data:video/mp4;base64,AAAA' } }]) {
      expect(of(part), JSON.stringify(part)).toBe(400_000)
    }
    expect(of({ type: 'file', file: { file_data: 'data:text/plain;base64,SGVsbG8=' } })).toBeLessThan(1_000)
    expect(of({ type: 'image_url', image_url: 'https://x.example/a.png' })).toBeGreaterThan(50_000)
  })
  test('cannot be lowered by numbers that grow when they are written again', () => {
    const raw = `{"model":"m","messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"u"},"x":[${Array(1_000).fill('1e20').join(',')}]},{"type":"text","text":"${'word '.repeat(2_000)}"}]}]}`
    expect(parseChatRequest(Buffer.from(raw)).bound(targetOf('openai', 'm')).inputTokens).toBeGreaterThan(10_000)
  })
  test('is never below the cost of any split of its tokens', () => {
    const tokens = { inputTokens: 1_000, outputTokens: 100 }
    for (const cachedInputTokens of [0, 400, 1_000]) {
      for (const cacheWriteTokens of [0, 600, 1_000]) expect(computeCost({ ...tokens, cachedInputTokens, cacheWriteTokens }, price)).toBeLessThanOrEqual(boundCost(tokens, price))
    }
    // Of an override, whose prices may be any.
    const dearCache = { ...price, cachedInputPrice: price.inputPrice * 3n }
    expect(boundCost(tokens, dearCache)).toBe(computeCost({ ...tokens, cachedInputTokens: 1_000 }, dearCache))
  })
})

describe('usage', () => {
  test('keeps an explicit zero, and cuts parts to their whole', () => {
    expect(readUsage({ prompt_tokens: 0, completion_tokens: 0 })).toMatchObject({ inputTokens: 0, outputTokens: 0 })
    expect(readUsage({ prompt_tokens: 5, completion_tokens: 2, prompt_tokens_details: { cached_tokens: 9, cache_write_tokens: 9 }, completion_tokens_details: { reasoning_tokens: 9 } }))
      .toEqual({ inputTokens: 5, outputTokens: 2, cachedInputTokens: 5, cacheWriteTokens: 0, reasoningTokens: 2 })
  })
  test.each([null, undefined, 'many', [], {}, { prompt_tokens: 1 }, { prompt_tokens: -1, completion_tokens: 1 }, { prompt_tokens: 1.5, completion_tokens: 1 }, { prompt_tokens: '1', completion_tokens: 1 }, { prompt_tokens: 9e15, completion_tokens: 9e15 }])(
    'that makes no sense is none: %j', value => expect(readUsage(value)).toBeUndefined()
  )
})

describe('a chat request', () => {
  const parse = (text: string) => parseChatRequest(Buffer.from(text)).body
  const rest = '"messages":[{"role":"user","content":"Hi"}]'

  test('keeps unknown fields, and nothing of a prototype', () => {
    expect(parse(`{"model":"m",${rest},"stream":null,"new_field":{"a":1}}`)).toMatchObject({ stream: null, new_field: { a: 1 } })
    const body = parse(`{"model":"m",${rest},"__proto__":{"stream":true,"max_tokens":1}}`)
    expect([body.stream, body.max_tokens]).toEqual([undefined, undefined])
  })
  test.each([
    '', 'null', '[]', '"x"', '{', `{${rest}}`, `{"model":"",${rest}}`, `{"model":"a\\u0000b",${rest}}`, `{"model":"a\\r\\nx: y",${rest}}`, `{"model":"\\ud800",${rest}}`, '{"model":"m"}', '{"model":"m","messages":[]}',
    '{"model":"m","messages":["Hi"]}', `{"model":"m",${rest},"stream":"yes"}`, `{"model":"m",${rest},"n":0}`, `{"model":"m",${rest},"n":129}`, `{"model":"m",${rest},"max_tokens":-1}`, `{"model":"m",${rest},"max_tokens":1e300}`
  ])('that is none is refused: %s', text => expect(() => parse(text)).toThrow(expect.objectContaining({ code: 'invalid_request' })))
  test('in broken UTF-8 is refused', () => {
    expect(() => parseChatRequest(Buffer.concat([Buffer.from(`{"model":"m`), Buffer.from([0xff]), Buffer.from(`",${rest}}`)]))).toThrow(expect.objectContaining({ code: 'invalid_request' }))
  })
  test('nested too deeply to be passed on is the caller\'s fault', () => {
    const body = parse(`{"model":"m",${rest},"metadata":${'['.repeat(50_000)}${']'.repeat(50_000)}}`)
    expect(() => encodeBody(body)).toThrow(expect.objectContaining({ code: 'invalid_request' }))
  })
  test.each(['-0.1', '1e3', 'NaN', '0.0000000001', '1000000000', '1, 1', ''])('with the amount %j is refused', (amount) => {
    expect(() => parseBilling(amount, undefined)).toThrow(expect.objectContaining({ code: 'invalid_request' }))
  })
  test.each([['0', 0n], ['0.000000001', 1n], ['999999999.999999999', 999_999_999_999_999_999n]])('reads the amount %s exactly', (amount, nanoUsd) => {
    expect(parseBilling(amount, undefined).amount).toBe(nanoUsd)
  })
  test.each(['', 'x'.repeat(201), 'loom:late:1'])('with the ref %j is refused', (ref) => {
    expect(() => parseBilling(undefined, ref)).toThrow(expect.objectContaining({ code: 'invalid_request' }))
  })
})

test('counting tokens lets the process breathe, whatever the text', async () => {
  let turns = 0
  let counting = true
  const tick = () => {
    turns++
    if (counting) setImmediate(tick)
  }
  setImmediate(tick)
  const tokens = await countTextTokens('中'.repeat(60_000))
  counting = false
  expect(tokens).toBeGreaterThan(30_000)
  expect(turns).toBeGreaterThan(2)
})

test('counting in pieces is as good as counting at once', async () => {
  const { countTokens } = await import('gpt-tokenizer/encoding/o200k_base')
  const text = 'The quick brown fox jumps over the lazy dog, twice.\n\n  indented(code); // and a comment\n'.repeat(50)
  expect(Math.abs(await countTextTokens(text) / countTokens(text) - 1)).toBeLessThan(0.01)
})
