import { expect, test } from 'vitest'
import { ChatTap } from '../../../server/gateway/operations/chat-tap'
import { toChatCompletion } from '../../../server/gateway/providers/google-answer'
import { modelUrl } from '../../../server/gateway/providers/google'
import { GoogleStream } from '../../../server/gateway/providers/google-stream'
import { toErrorResponse } from '../../../server/gateway/providers/upstream-failure'
import { connectionOf, eventsIn, readChunks, textOf } from '../../support/provider-calls'
import { Readable } from 'node:stream'
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib'

const connection = connectionOf('google')
const whole = (response: object) => toChatCompletion(JSON.stringify(response), 'gemini-2.5-flash', new Date(0))
const candidate = (parts: object[], finishReason?: string) => ({ candidates: [{ content: { role: 'model', parts }, finishReason }] })

function streamed(...events: object[]): string {
  const stream = new GoogleStream(connection, 'gemini-2.5-flash', new Date(0))
  return events.map(event => stream.event(JSON.stringify(event))).join('') + stream.end()
}

test('a blocked prompt is an answer that says so, whole and streamed, and is charged for what Google read', () => {
  const blocked = { promptFeedback: { blockReason: 'PROHIBITED_CONTENT' }, usageMetadata: { promptTokenCount: 5, totalTokenCount: 5 } }
  expect(whole(blocked)).toMatchObject({
    choices: [{ message: { content: '', refusal: 'Google blocked the prompt (PROHIBITED_CONTENT).' }, finish_reason: 'content_filter' }],
    usage: { prompt_tokens: 5, completion_tokens: 0 }
  })
  const text = streamed(blocked)
  expect(readChunks(text)).toMatchObject({ content: '', finishReason: 'content_filter', usage: { prompt_tokens: 5 } })
  expect(text).toContain('Google blocked the prompt')
})

test.each([
  ['SAFETY', 'content_filter', 'Google ended the answer (SAFETY).'],
  ['RECITATION', 'content_filter', 'Google ended the answer (RECITATION).'],
  ['MAX_TOKENS', 'length', null],
  ['MALFORMED_FUNCTION_CALL', 'stop', 'Google ended the answer (MALFORMED_FUNCTION_CALL).']
])('%s ends an answer as %s', (reason, finish, refusal) => {
  expect(whole(candidate([{ text: 'Half' }], reason))).toMatchObject({ choices: [{ message: { content: 'Half', refusal }, finish_reason: finish }] })
})

test('thoughts, results of Google\'s own tools and cached tokens are counted once', () => {
  const usageMetadata = { promptTokenCount: 100, cachedContentTokenCount: 40, toolUsePromptTokenCount: 10, candidatesTokenCount: 7, thoughtsTokenCount: 20, totalTokenCount: 137 }
  expect(whole({ ...candidate([{ text: 'Hi' }], 'STOP'), usageMetadata })).toMatchObject({
    usage: { prompt_tokens: 110, completion_tokens: 27, total_tokens: 137, prompt_tokens_details: { cached_tokens: 40 }, completion_tokens_details: { reasoning_tokens: 20 } }
  })
})

test('a tool call keeps the signature of its thought, and gets an id of its own where Google gives none', () => {
  const parts = [{ functionCall: { name: 'look', args: { at: 'sky' } }, thoughtSignature: 'c2ln' }, { functionCall: { id: 'fc-1', name: 'wait' } }]
  expect(whole(candidate(parts, 'STOP'))).toMatchObject({ choices: [{
    message: { content: null, tool_calls: [
      { id: expect.stringMatching(/^call_/), function: { name: 'look', arguments: '{"at":"sky"}' }, extra_content: { google: { thought_signature: 'c2ln' } } },
      { id: 'fc-1', function: { name: 'wait', arguments: '{}' } }
    ] },
    finish_reason: 'tool_calls'
  }] })
})

test('pictures the model drew are part of the answer', () => {
  const images = [{ type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } }]
  const drawn = candidate([{ inlineData: { mimeType: 'image/png', data: 'AAAA' } }], 'STOP')
  expect(whole(drawn)).toMatchObject({ choices: [{ message: { images } }] })
  expect(eventsIn(streamed(drawn)).some(event => event.includes('"images"'))).toBe(true)
})

test('what was thought and written so far is told as it grows, for the tap alone', () => {
  const counted = (thoughtsTokenCount?: number, candidatesTokenCount?: number) => ({ usageMetadata: { promptTokenCount: 10, thoughtsTokenCount, candidatesTokenCount } })
  const stream = new GoogleStream(connection, 'gemini-2.5-flash', new Date(0))
  const tap = new ChatTap(true)
  const feed = (event: object) => Buffer.concat(tap.push(Buffer.from(stream.event(JSON.stringify(event))))).toString()
  const sent = [feed({ ...candidate([{ text: 'a' }]), ...counted() }), feed({ ...candidate([{ text: 'b' }]), ...counted(500) })]
  expect(tap).toMatchObject({ usage: undefined, inputUsage: { inputTokens: 10 }, tokensSoFar: 500 })
  sent.push(feed({ ...candidate([{ text: 'c' }]), ...counted(8_000, 2) }), feed(candidate([{ text: 'd' }])))
  expect(tap).toMatchObject({ usage: undefined, tokensSoFar: 8_002, text: 'abcd' })
  sent.push(feed({ ...candidate([], 'STOP'), ...counted(8_000, 4) }))
  expect(sent.join('')).not.toContain('tokens')
  tap.push(Buffer.from(stream.end()))
  expect(tap).toMatchObject({ done: true, usage: { inputTokens: 10, outputTokens: 8_004, reasoningTokens: 8_000 } })
})

test('a stream that never says why it ended is no whole answer', () => {
  expect(eventsIn(streamed(candidate([{ text: 'Half' }]))).at(-1)).toContain('ended the stream before')
})

test('a 200 without an answer is an upstream error', () => {
  expect(() => whole({})).toThrow(expect.objectContaining({ code: 'upstream_error' }))
})

test('a wrong key, which Google calls a bad request, is a refused credential', async () => {
  const error = { code: 400, message: 'API key not valid. Please pass a valid API key.', status: 'INVALID_ARGUMENT', details: [{ '@type': 'type.googleapis.com/google.rpc.ErrorInfo', 'reason': 'API_KEY_INVALID' }] }
  const response = await toErrorResponse(connection, { status: 400, headers: {}, body: Readable.from([Buffer.from(JSON.stringify({ error }))]) })
  expect(response.status).toBe(401)
  expect(JSON.parse(await textOf(response))).toMatchObject({ error: { code: 'connection_refused_credential' } })
})

test.each([['gzip', gzipSync], ['deflate', deflateSync], ['br', brotliCompressSync]])('an error that a proxy has compressed (%s) is read all the same, as far as it is one', async (encoding, compress) => {
  const answer = (bytes: Buffer) => toErrorResponse(connection, { status: 400, headers: { 'content-encoding': encoding }, body: Readable.from([bytes], { objectMode: false }) })
  const read = await answer(compress(Buffer.from('{"error":{"message":"No such model"}}')))
  expect(read.headers).not.toHaveProperty('content-encoding')
  expect(JSON.parse(await textOf(read))).toMatchObject({ error: { message: 'No such model' } })
  await expect(answer(Buffer.from('no such thing'))).rejects.toMatchObject({ code: 'upstream_error' })
})

test('the pause Google asks for in words becomes a retry-after', async () => {
  const error = { code: 429, message: 'Quota', status: 'RESOURCE_EXHAUSTED', details: [{ '@type': 'type.googleapis.com/google.rpc.RetryInfo', 'retryDelay': '34.4s' }] }
  const response = await toErrorResponse(connection, { status: 429, headers: {}, body: Readable.from([Buffer.from(JSON.stringify({ error }))]) })
  expect(response.headers['retry-after']).toBe('35')
})

test.each([
  ['https://g.example', 'gemini-2.5-pro', 'https://g.example/v1beta/models/gemini-2.5-pro:generateContent'],
  ['https://g.example/v1/', 'models/gemini-2.5-pro', 'https://g.example/v1/models/gemini-2.5-pro:generateContent'],
  [null, 'tunedModels/mine-1', 'https://generativelanguage.googleapis.com/v1beta/tunedModels/mine-1:generateContent'],
  [null, '../../evil?x#y', 'https://generativelanguage.googleapis.com/v1beta/models/..%2F..%2Fevil%3Fx%23y:generateContent']
])('the address of %s for %s is %s', (baseUrl, model, url) => {
  expect(modelUrl({ ...connection, baseUrl }, model, 'generateContent').href).toBe(url)
})
