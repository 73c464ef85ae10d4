import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { boundMemory } from '../../support/bound-memory'
import { expectUnharmed } from '../../support/expect-unharmed'
import { gigabyteOf, head, MEGABYTE } from '../../support/hostile-answers'
import type { GatewayUnderTest } from '../../support/open-gateway'
import { openGateway } from '../../support/open-gateway'
import type { RawAnswer, RawUpstream } from '../../support/raw-upstream'
import { startRawUpstream } from '../../support/raw-upstream'
import { until } from '../../support/until'

const stream = head('text/event-stream')
const event = (data: object) => `data: ${JSON.stringify(data)}\n\n`
const filler = Buffer.alloc(256 * 1024, 'A')
/** As base64, what a picture of 4K may have. */
const picture = 'A'.repeat(28 * MEGABYTE)
const chunk = (delta: object, finish: string | null = null) => event({ id: 'c', object: 'chat.completion.chunk', created: 1, model: 'm', choices: [{ index: 0, delta, finish_reason: finish }] })
const drawnItem = { id: 'ig_1', type: 'image_generation_call', status: 'completed', result: picture }
const response = (output: object[], status: string) => ({ id: 'resp_1', object: 'response', status, model: 'm', output, usage: status === 'completed' ? { input_tokens: 7, output_tokens: 1_290, total_tokens: 1_297 } : null })
const claudeStart = event({ type: 'message_start', message: { id: 'm', type: 'message', role: 'assistant', model: 'c', content: [], stop_reason: null, stop_sequence: null, usage: { input_tokens: 7, output_tokens: 1 } } })

const drawn = {
  chat: write => write(`${stream}: OPENROUTER PROCESSING\n\n${chunk({ role: 'assistant', content: '', images: [{ type: 'image_url', image_url: { url: `data:image/png;base64,${picture}` } }] })}${chunk({}, 'stop')}${event({ id: 'c', choices: [], usage: { prompt_tokens: 7, completion_tokens: 1_290, total_tokens: 1_297 } })}data: [DONE]\n\n`),
  gemini: write => write(stream + event({ candidates: [{ content: { parts: [{ inlineData: { mimeType: 'image/png', data: picture } }], role: 'model' }, finishReason: 'STOP', index: 0 }], usageMetadata: { promptTokenCount: 7, candidatesTokenCount: 1_290, totalTokenCount: 1_297 }, responseId: 'r', modelVersion: 'g' })),
  responses: write => write(stream + event({ type: 'response.created', response: response([], 'in_progress') }) + event({ type: 'response.output_item.done', output_index: 0, item: drawnItem }) + event({ type: 'response.completed', response: response([drawnItem], 'completed') }))
} satisfies Record<string, RawAnswer>

/** Of each format an event that begins and never ends. */
const endless = {
  'endless-chat': gigabyteOf(`${stream}data: {"id":"c","choices":[{"index":0,"delta":{"images":[{"type":"image_url","image_url":{"url":"data:image/png;base64,`, filler),
  'endless-after-comment': gigabyteOf(`${stream}: OPENROUTER PROCESSING\n\ndata: {"id":"c","choices":[{"index":0,"delta":{"images":[{"type":"image_url","image_url":{"url":"data:image/png;base64,`, filler),
  'endless-gemini': gigabyteOf(`${stream}data: {"candidates":[{"content":{"parts":[{"inlineData":{"mimeType":"image/png","data":"`, filler),
  'endless-claude': gigabyteOf(`${stream + claudeStart}event: content_block_start\ndata: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":"`, filler),
  'endless-responses': gigabyteOf(`${stream + event({ type: 'response.created', response: response([], 'in_progress') })}data: {"type":"response.output_item.done","item":{"id":"ig_1","type":"image_generation_call","result":"`, filler),
  'endless-image': gigabyteOf(`${stream}data: {"type":"image_generation.completed","b64_json":"`, filler)
} satisfies Record<string, RawAnswer>

const kinds: Record<string, string> = { 'gemini': 'google', 'endless-gemini': 'google', 'endless-claude': 'anthropic', 'responses': 'openai', 'endless-responses': 'openai' }

let gateway: GatewayUnderTest
let upstream: RawUpstream
let key: string

beforeAll(async () => {
  upstream = await startRawUpstream({ ...drawn, ...endless, other: drawn.chat })
  gateway = await openGateway({ UPSTREAM_RETRIES: '1' })
  key = (await gateway.createKey()).key
  for (const name of [...Object.keys(drawn), ...Object.keys(endless), 'other']) {
    const kind = kinds[name] ?? 'openai-compatible'
    await gateway.api('POST', '/api/connections', { kind, name, baseUrl: upstream.baseUrl(name).replace(kind === 'google' || kind === 'anthropic' ? /\/v1$/ : '', ''), secret: 'sk-x' })
  }
})
afterAll(async () => {
  await expectUnharmed(gateway)
  await gateway.remove()
  await upstream.stop()
})
const questions: Record<string, object> = {
  'chat/completions': { messages: [{ role: 'user', content: 'Draw a cat' }], stream_options: { include_usage: true } },
  'messages': { messages: [{ role: 'user', content: 'Draw a cat' }], max_tokens: 100 },
  'responses': { input: 'Draw a cat' },
  'images/generations': { prompt: 'A cat' }
}
const ask = (path: string, name: string, more: object = {}) => fetch(`${gateway.loom.url}/v1/${path}`, {
  method: 'POST',
  headers: { 'authorization': `Bearer ${key}`, 'content-type': 'application/json' },
  body: JSON.stringify({ model: `${name}/m`, ...questions[path], stream: true, ...more })
})
async function traceOf(response: Response): Promise<Record<string, unknown>> {
  return (await fetch(`${gateway.loom.url}/v1/traces/${response.headers.get('x-request-id')}`, { headers: { authorization: `Bearer ${key}` } })).json()
}

describe('a picture of 4K that is drawn in a chat, which is one event,', () => {
  test.each([
    ['chat/completions', 'chat', true, /data: \[DONE\]\n\n$/],
    ['chat/completions', 'gemini', true, /data: \[DONE\]\n\n$/],
    ['responses', 'responses', true, /event: response\.completed\n[^\n]*\n\n$/],
    // Formats in which a model draws nothing: the answer is charged all the same.
    ['messages', 'gemini', false, /"type":"message_stop"\}\n\n$/],
    ['responses', 'gemini', false, /event: response\.completed\n[^\n]*\n\n$/]
  ])('comes through /v1/%s from %s, and is charged', async (path, name, isShown, ending) => {
    const response = await ask(path, name)
    const text = await response.text()
    expect(text.slice(-2_000)).not.toContain('"error":{')
    expect(ending.test(text), 'It ends well').toBe(true)
    expect(text.includes(picture)).toBe(isShown)
    expect(await traceOf(response)).toMatchObject({ status_code: 200, input_tokens: 7, output_tokens: 1_290 })
  })
})

describe('an event that never ends', () => {
  boundMemory(() => gateway.loom)

  test.each([
    ['chat/completions', 'endless-chat'],
    ['chat/completions', 'endless-after-comment'],
    ['chat/completions', 'endless-gemini'],
    ['chat/completions', 'endless-claude'],
    ['messages', 'endless-claude'],
    ['messages', 'endless-gemini'],
    ['responses', 'endless-responses'],
    ['responses', 'endless-gemini'],
    ['images/generations', 'endless-image']
  ])('at /v1/%s, as %s, is not asked for again, here or elsewhere, and its prompt is charged', async (path, name) => {
    const before = upstream.taken(name)
    const response = await ask(path, name, { models: ['other/m'] })
    expect(await response.text()).toMatch(/(?:an event larger than 64 MiB|more than \d+ bytes, more than the answer to this call can have)\. It may bill its work on the answer all the same, so it was not asked again\./)
    await until(() => upstream.open(name) === 0, { what: () => 'the connection to be closed' })
    expect(upstream.taken(name) - before).toBeLessThan(100 * MEGABYTE)
    expect(upstream.taken('other')).toBe(0)
    const trace = await traceOf(response)
    expect(trace).toMatchObject({ status_code: 502, output_tokens: 0 })
    expect(trace.input_tokens).toBeGreaterThan(0)
    expect(trace.attempts).toHaveLength(1)
  })
})
