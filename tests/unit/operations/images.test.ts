import { expect, test } from 'vitest'
import { audioSpeech } from '../../../server/gateway/operations/audio-speech'
import { imagesGenerations } from '../../../server/gateway/operations/images-generations'
import { parseCall, tapStream } from '../../support/operation-calls'

const events = (...data: object[]) => Buffer.from(data.map(event => `data: ${JSON.stringify(event)}\n\n`).join(''))
const partial = { type: 'image_generation.partial_image', b64_json: 'AAAA', partial_image_index: 0 }
const finished = { type: 'image_generation.completed', b64_json: 'AAAA', usage: { input_tokens: 50, output_tokens: 272, input_tokens_details: { text_tokens: 40, image_tokens: 10 } } }
const draw = (...data: object[]) => tapStream(parseCall(imagesGenerations, { model: 'm', prompt: 'A cat', n: 2, stream: true, quality: 'hd' }), events(...data)).tap

test('several streamed pictures add up: each of them, and each kind of their tokens', () => {
  const tap = draw(partial, finished, { type: 'image_generation.something_new' }, partial, finished)
  expect(tap.usage).toMatchObject({ inputTokens: 100, outputTokens: 544, textInputTokens: 80 })
  expect(tap.units).toEqual({ pictures: { count: 2, quality: 'hd', size: undefined } })
})

test('what is shown of a picture after one whose usage was told counts, until its own usage tells', () => {
  expect(draw(partial, finished)).toMatchObject({ usage: { outputTokens: 272 }, untoldTokens: 0 })
  expect(draw(partial, finished, partial, partial)).toMatchObject({ usage: { outputTokens: 272 }, untoldTokens: 2 * 100 })
  expect(draw(partial, finished, partial, { ...finished, usage: undefined }).untoldTokens).toBeGreaterThan(100)
  expect(draw(partial, finished, partial, finished)).toMatchObject({ usage: { outputTokens: 544 }, untoldTokens: 0 })
})

test('of several streamed pictures all but the last go out at once, and that one too where they break off', () => {
  const eventTypes = (bytes: Buffer | string | undefined) => [...String(bytes).matchAll(/"type":"image_generation\.(\w+)"/g)].map(([, type]) => type)
  const tapped = (...data: object[]) => tapStream(parseCall(imagesGenerations, { model: 'm', prompt: 'A cat', n: 2, stream: true }), events(...data))
  const half = tapped(partial, finished)
  expect(half.tap.whole).toBe(false)
  expect(eventTypes(half.sent)).toEqual(['partial_image'])
  expect(eventTypes(half.tap.undelivered?.())).toEqual(['completed'])
  const whole = tapped(partial, finished, partial, finished)
  expect(whole.tap.whole).toBe(true)
  expect(eventTypes(whole.sent)).toEqual(['partial_image', 'completed', 'partial_image'])
  expect(eventTypes(whole.closing)).toEqual(['completed'])
  expect(() => tapStream(parseCall(imagesGenerations, { model: 'm', prompt: 'A cat', stream: true }), Buffer.from('data: [DONE]\n\n'))).toThrow('half way')
})

test('a picture that was only shown on the way counts as one', () => {
  expect(draw().units).toBeUndefined()
  expect(draw(partial, partial).units).toMatchObject({ pictures: { count: 1 } })
  expect(draw(partial, finished, partial).units).toMatchObject({ pictures: { count: 2 } })
})

test('speech is measured by its characters, whatever its last event tells', () => {
  const request = parseCall(audioSpeech, { model: 'm', input: 'Hello', stream_format: 'sse' })
  expect(tapStream(request, events({ type: 'speech.audio.done', duration: 3 })).tap.units).toBeUndefined()
  expect(request.measure?.()).toEqual({ characters: 5 })
})
