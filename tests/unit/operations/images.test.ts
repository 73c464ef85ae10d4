import { describe, expect, test } from 'vitest'
import { likelyInput } from '../../../server/gateway/estimate-cost'
import { audioSpeech } from '../../../server/gateway/operations/audio-speech'
import { imagesEdits } from '../../../server/gateway/operations/images-edits'
import { imagesGenerations } from '../../../server/gateway/operations/images-generations'
import { parseCall, sendCall, nativeTarget, tapStream, targetOf } from '../../support/operation-calls'
import { parseUploaded } from '../../support/uploaded-form'
import type { UploadedPart } from '../../support/uploaded-form'

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

test('a picture counts whatever its event is called, and ends the stream by the name of an edit as by the other', () => {
  const named = (prefix: string) => draw({ ...partial, type: `${prefix}.partial_image` }, { ...finished, type: `${prefix}.completed` }, { ...finished, type: `${prefix}.completed` })
  for (const prefix of ['image_generation', 'image_edit']) expect(named(prefix)).toMatchObject({ whole: true, usage: { outputTokens: 544 }, units: { pictures: { count: 2 } } })
  expect(draw({ type: 'picture', b64_json: 'AAAA' })).toMatchObject({ whole: false, outputTokens: 100, units: { pictures: { count: 1 } } })
})

test('an answer that comes whole though a stream was asked for is no stream, nor is one insisted on', async () => {
  const request = parseCall(imagesGenerations, { model: 'm', prompt: 'A cat', stream: true })
  expect(request.tap?.({ 'content-type': 'application/json' })).toBeUndefined()
  const { target, asked } = nativeTarget('openai')
  await sendCall(request, target)
  expect(asked[0]).toMatchObject({ stream: false, body: { stream: true } })
})

test('what is asked of pictures is held once for each of them where it is billed so, and no picture for less than a square, whatever its quality is called', () => {
  const bound = (rest: object) => parseCall(imagesGenerations, { model: 'm', prompt: 'A cat', ...rest }).bound(targetOf('openai', 'gpt-image-2'))
  expect(bound({ n: 5 }).inputTokens).toBeGreaterThan(4.5 * bound({}).inputTokens)
  expect(bound({ n: 5 }).likelyInputTokens).toBeLessThan(1.5 * bound({}).inputTokens)
  for (const model of ['gpt-image-1', 'gpt-image-1.5', 'gpt-image-1-mini', 'openai/gpt-image-1', 'flux']) {
    const once = parseCall(imagesGenerations, { model: 'm', prompt: 'A cat', n: 5 }).bound(targetOf('openai', model))
    expect(once.inputTokens, model).toBeLessThan(1.5 * bound({}).inputTokens)
    expect(likelyInput(once), `${model} is compared with others by the same share of its bound`).toBe(Math.ceil(once.inputTokens / 4))
  }
  for (const size of ['816x816', '1x1', '0x0', '1024x1024']) expect(bound({ size, quality: 'high' }).outputTokens, size).toBe(2 * 4_160)
  expect(bound({ size: '1024x2048', quality: 'low' }).outputTokens).toBe(2 * 2 * 272)
  for (const quality of ['constructor', 'toString', '__proto__']) expect(bound({ quality }).outputTokens, quality).toBe(2 * 6_240)
})

test('a GIF is held, and counted where nobody tells, for each of its frames', async () => {
  const asked = { prompt: 'A cat', quality: 'max', size: '1024x1024', output_format: 'gif' }
  const drawn = (rest: object) => parseCall(imagesGenerations, { model: 'm', ...asked, ...rest })
  const bound = (rest: object) => drawn(rest).bound(targetOf('openai', 'gpt-image-2.6-flare')).outputTokens
  expect([bound({}), bound({ frame_count: 16 }), bound({ frame_count: 2, n: 3 }), bound({ output_format: 'png' }), bound({ size: '256x256' })]).toEqual([9 * 8_320, 16 * 8_320, 6 * 8_320, 8_320, 8_320])
  expect(drawn({ frame_count: 4 }).readAnswer(Buffer.from('{"data":[{"b64_json":"AAAA"}]}'), {}).outputTokens).toBe(4 * 4_160)
  for (const frame_count of [1, 17, 2.5, '4']) expect(() => bound({ frame_count }), String(frame_count)).toThrow('frame_count')
  const inForm = async (count: string) => (await parseUploaded(imagesEdits, [...Object.entries({ model: 'm', ...asked, frame_count: count }), ['image', 'PNG', 'cat.png']])).bound(targetOf('openai', 'gpt-image-2.6-flare')).outputTokens
  expect(await inForm('16')).toBe(16 * 8_320)
  await expect(inForm('99')).rejects.toMatchObject({ param: 'frame_count' })
})

test.each<[object, string | undefined]>([
  [{ svg: { model: 'gpt-5.2-pro' } }, 'The field "svg"'], [{ svg: {} }, 'The field "svg"'], [{ planner: { model: 'dear' } }, 'The field "planner"'], [{ output_format: 'svg' }, 'The output_format "svg"'],
  [{ output_format: 'webp', svg: null, user: 'me', style: { hue: 1 }, metadata: { model: 'm' } }, undefined]
])('what other models draw has no price: %j', (rest, refused) => {
  const found = parseCall(imagesGenerations, { model: 'm', prompt: 'A cat', ...rest }).unpriced?.(targetOf('openai', 'gpt-image-2'))
  if (refused) expect(found).toContain(refused)
  else expect(found).toBeUndefined()
})

test('Azure edits pictures from the version on that does, and says which that is', () => {
  const native = (apiVersion: string, operation: 'images.edits' | 'images.generations' = 'images.edits') => {
    const { provider, connection } = targetOf('azure', 'prod')
    return provider.native?.(operation, { ...connection, config: { apiVersion, deployments: {} } }, 'prod')
  }
  for (const version of ['2024-10-21', '2025-03-01-preview']) expect(() => native(version)).toThrow(expect.objectContaining({ code: 'invalid_request', message: expect.stringContaining(`from API version 2025-04-01-preview on; connection "test-azure" calls ${version}`) }))
  for (const version of ['2025-04-01-preview', 'v1']) expect(native(version)).toBeDefined()
  expect(native('2024-10-21', 'images.generations')).toBeDefined()
})

test('an edit in JSON keeps of its data URLs how long they are, however its client escapes them and wherever they are repeated', () => {
  const written = (url: string) => `{"model":"m","prompt":"A cat","images":[{"image_url":"${url}"},{"file_id":"a"},{"image_url":"${url}"}],"mask":{"image_url":"data:image/webp;base64,"},"metadata":{"a":1}}`
  for (const slash of ['/', '\\/']) {
    const record = imagesEdits.parse(Buffer.from(written(`data:image${slash}png;base64,$&${slash}A`)), {}).record?.()
    expect(JSON.parse(String(record))).toEqual(JSON.parse(written('data:image/png;base64,<4 characters>').replace('webp;base64,', 'webp;base64,<0 characters>')))
  }
})

test('speech is measured by its characters, whatever its last event tells', () => {
  const request = parseCall(audioSpeech, { model: 'm', input: 'Hello', stream_format: 'sse' })
  expect(tapStream(request, events({ type: 'speech.audio.done', duration: 3 })).tap.units).toBeUndefined()
  expect(request.measure?.()).toEqual({ characters: 5 })
})

describe('an edit', () => {
  const edit = (...parts: UploadedPart[]) => parseUploaded(imagesEdits, [['image', 'x'.repeat(100), 'a.png'], ['prompt', 'A cat'], ['model', 'm'], ...parts])
  const target = targetOf('openai', 'gpt-image-1')
  const refusal = async (...parts: UploadedPart[]) => edit(...parts).then(() => undefined, (error: { code: string, param?: string }) => ({ code: error.code, param: error.param }))
  /** The most a picture that is shown counts, twice over. */
  const shown = 2 * (65 + 4 * 129 + 6_240)

  test('is bounded by the pictures it shows, whatever they are called, its text, and those it asks for, wherever its form says so', async () => {
    const plain = (await edit()).bound(target)
    expect(plain.inputTokens).toBeGreaterThan(shown)
    expect(plain.inputTokens).toBeLessThan(shown + 500)
    expect(plain).toMatchObject({ outputTokens: 2 * 6_240, units: { pictures: { count: 1 } } })
    for (const more of [['mask', 'x', 'm.png'], ['image[]', 'x', 'b.png'], ['image', 'x', 'b.png'], ['image', 'https://pictures.example/cat.png'], ['Image_url', 'https://pictures.example/cat.png'], ['markup', 'x', 'c.png'], ['what_comes_next', 'x', 'd.png'], ['image_url', 'https://pictures.example/cat.png']] as const) {
      expect((await edit(more)).bound(target).inputTokens - plain.inputTokens, more[0]).toBeGreaterThanOrEqual(shown)
    }
    expect((await edit(['n', '3'])).bound(targetOf('openai', 'gpt-image-2')).inputTokens).toBeGreaterThan(3 * plain.inputTokens)
    expect((await edit(['n', '3'])).bound(target).inputTokens).toBeLessThan(plain.inputTokens + 100)
    expect((await edit(['n', '3'], ['quality', 'low'], ['size', '1024x1024'], ['partial_images', '2'], ['stream', 'true'])).bound(target))
      .toMatchObject({ outputTokens: 3 * (2 * 272 + 200), units: { pictures: { count: 3, quality: 'low', size: '1024x1024' } } })
  })

  test('is counted by its text and pictures where nobody tells', async () => {
    expect(await (await edit()).countInput()).toBe(65 + 4 * 129 + 6_240 + 2)
    expect(await (await edit(['input_fidelity', 'low'], ['image[]', 'x', 'b.png'])).countInput()).toBe(2 * (65 + 4 * 129) + 2)
  })

  test('streams where it says so, its events and pictures its own', async () => {
    expect((await edit(['stream', 'false'])).stream).toBe(false)
    const request = await edit(['stream', 'true'], ['quality', 'hd'])
    expect(request.stream).toBe(true)
    const named = (event: object) => ({ ...event, type: `image_edit.${'usage' in event ? 'completed' : 'partial_image'}` })
    const { tap, closing } = tapStream(request, events(named(partial), named(finished)))
    expect(tap).toMatchObject({ whole: true, usage: { inputTokens: 50, outputTokens: 272, textInputTokens: 40 }, units: { pictures: { count: 1, quality: 'hd' } } })
    expect(closing).toContain('image_edit.completed')
  })

  test('goes on as it came, but for the model\'s name', async () => {
    const { target: native, asked } = nativeTarget('openai')
    await sendCall(await parseUploaded(imagesEdits, [['image', 'one', 'a.png'], ['models[]', 'other'], ['prompt', 'A cat'], ['model', 'route'], ['image', 'two', 'b.png'], ['x', 'y']]), native)
    const pieces: Buffer[] = []
    for await (const piece of asked[0]?.form?.read() ?? []) pieces.push(piece)
    const sent = Buffer.concat(pieces)
    expect(sent.length).toBe(asked[0]?.form?.bytes)
    const form = await new Response(new Uint8Array(sent), { headers: { 'content-type': asked[0]?.form?.contentType ?? '' } }).formData()
    expect([...form.entries()].map(([name, value]) => [name, typeof value === 'string' ? value : value.name])).toEqual([['image', 'a.png'], ['prompt', 'A cat'], ['model', 'm'], ['image', 'b.png'], ['x', 'y']])
  })

  test('keeps of its form the fields, and of each picture what it is called and how large it is', async () => {
    const record = (await edit(['image[]', 'one', 'b.png'], ['image[]', 'three', 'c.png'])).record?.()
    expect(JSON.parse(String(record))).toEqual({ 'image': { file_name: 'a.png', bytes: 100 }, 'prompt': 'A cat', 'model': 'm', 'image[]': [{ file_name: 'b.png', bytes: 3 }, { file_name: 'c.png', bytes: 5 }] })
    const repeated = (await edit(['image', 'three', 'b.png'], ['image', 'https://pictures.example/cat.png'])).record?.()
    expect(JSON.parse(String(repeated)).image).toEqual([{ file_name: 'a.png', bytes: 100 }, { file_name: 'b.png', bytes: 5 }, 'https://pictures.example/cat.png'])
  })

  test.each<[name: string, content: string, fileName?: string]>([
    ['n', '0'], ['n', '11'], ['n', '1e1'], ['n', ''], ['n', '10', 'n.txt'], ['n[]', '10'], ['n[0]', '10'], ['partial_images', '4'], ['stream', '1'], ['stream', 'True'], ['stream', 'true', 'x'],
    ['quality', 'two words'], ['quality[]', 'high'], ['size', '\0'], ['size', '1024x1536', 's'], ['prompt[]', 'A dog'], ['model[]', 'dear']
  ])('with %s=%j %s is refused, naming the field: a server might read what nothing was held for', async (name, content, fileName) => {
    expect(await refusal([name, content, fileName])).toEqual({ code: 'invalid_request', param: name.replace(/\[.*/, '') })
  })

  test.each<[string, UploadedPart[], string]>([
    ['no picture', [['prompt', 'A cat'], ['model', 'm']], 'image'],
    ['a picture that is a field', [['image', 'x'], ['prompt', 'A cat'], ['model', 'm']], 'image'],
    ['an empty picture', [['image', '', 'a.png'], ['prompt', 'A cat'], ['model', 'm']], 'image'],
    ['a mask alone', [['mask', 'x', 'a.png'], ['prompt', 'A cat'], ['model', 'm']], 'image'],
    ['no prompt', [['image', 'x', 'a.png'], ['model', 'm']], 'prompt'],
    ['no model', [['image', 'x', 'a.png'], ['prompt', 'A cat']], 'model']
  ])('with %s is refused', async (_, parts, param) => {
    await expect(parseUploaded(imagesEdits, parts)).rejects.toMatchObject({ code: 'invalid_request', param })
  })

  test('that is told of is bounded as the one that is sent', async () => {
    const told = imagesEdits.parseDescribed?.({ model: 'm', prompt: 'A cat', n: 2, stream: true }, [100, 2_000])
    const sent = await parseUploaded(imagesEdits, [['model', 'm'], ['prompt', 'A cat'], ['n', '2'], ['stream', 'true'], ['image[]', 'x'.repeat(100), 'file'], ['image[]', 'x'.repeat(2_000), 'file']])
    expect(told?.bound(target)).toMatchObject({ outputTokens: sent.bound(target).outputTokens, units: sent.bound(target).units })
    expect(Math.abs((told?.bound(target).inputTokens ?? 0) - sent.bound(target).inputTokens)).toBeLessThan(100)
    expect(told?.bodyBytes).toBeGreaterThan(2_100)
  })
})
