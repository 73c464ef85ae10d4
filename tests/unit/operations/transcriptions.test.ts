import { Readable } from 'node:stream'
import { describe, expect, test } from 'vitest'
import { audioTranscriptions, audioTranslations } from '../../../server/gateway/operations/audio-transcriptions'
import type { Operation } from '../../../server/gateway/operations/operation'
import type { Transport } from '../../../server/gateway/providers/provider'
import type { ProviderKind } from '../../../shared/catalog'
import { targetOf } from '../../support/operation-calls'
import { connectionOf } from '../../support/provider-calls'
import { parseUploaded } from '../../support/uploaded-form'
import type { UploadedPart } from '../../support/uploaded-form'

const places = {
  groq: ['openai-compatible', 'https://api.groq.com/openai/v1', 'whisper-large-v3'],
  azure: ['azure', 'https://res.openai.azure.com', 'whisper'],
  openai: ['openai', null, 'whisper-1'],
  own: ['openai-compatible', 'https://whisper.example/v1', 'whisper-large-v3']
} as const satisfies Record<string, readonly [ProviderKind, string | null, string]>
type Place = keyof typeof places

const VERBOSE = { task: 'transcribe', language: 'English', duration: 61.5, text: 'Hello', segments: [{ id: 0, start: 0, end: 61.5, text: 'Hello' }], x_groq: { id: 'req_1' } }

function targetAt(place: Place, isTimed = true) {
  const [kind, baseUrl, model] = places[place]
  const price = { source: 'test', inputPrice: 0n, outputPrice: 0n, ...(isTimed && { units: { audioMs: 360_000_000n }, byUnitsAlone: true as const }) }
  return targetOf(kind, model, { connection: connectionOf(kind, { baseUrl }), price })
}

function transcription(fields: readonly (readonly [string, string])[], fileBytes = 100, operation: Operation = audioTranscriptions) {
  return parseUploaded(operation, fields.map(([name, value]): UploadedPart => {
    const content = name === 'file' ? 'x'.repeat(fileBytes) : value
    return name.endsWith('file') ? [name.replace(' as a file', ''), content, 'a.mp3'] : [name, content]
  }))
}

async function ask(place: Place, fields: readonly (readonly [string, string])[], { isTimed = true, fileBytes, operation }: { isTimed?: boolean, fileBytes?: number, operation?: Operation } = {}) {
  const request = await transcription(fields, fileBytes, operation)
  const target = targetAt(place, isTimed)
  await request.reachable?.([target])
  const asked: FormData[] = []
  const transport: Transport = async ({ headers, body }) => {
    const pieces: Uint8Array[] = []
    for await (const piece of body) pieces.push(Buffer.from(piece))
    const bytes = Buffer.concat(pieces)
    expect(headers['content-length']).toBe(String(bytes.length))
    asked.push(await new Response(new Uint8Array(bytes), { headers: { 'content-type': headers['content-type'] ?? '' } }).formData())
    return { status: 200, headers: { 'content-type': 'application/json' }, body: Readable.from([Buffer.from('{}')], { objectMode: false }) }
  }
  await request.send(target, transport, new AbortController().signal)
  const sent = Object.fromEntries([...asked[0]?.entries() ?? []].map(([name, value]) => [name, typeof value === 'string' ? value : value.size]))
  const answer = request.readAnswer(Buffer.from(JSON.stringify(VERBOSE)), { 'content-type': 'application/json' })
  return { sent, answer, given: answer.finish({ inputTokens: 0, outputTokens: 0, cachedInputTokens: 0, cacheWriteTokens: 0, reasoningTokens: 0 }).toString() }
}

const forms = {
  'before the file': [['model', 'm'], ['response_format', ''], ['file', '']],
  'after it': [['file', ''], ['model', 'm'], ['response_format', '']],
  'nowhere': [['file', ''], ['model', 'm']]
} as const

describe.each(['groq', 'azure'] as const)('whisper at %s, priced by the hour,', (place) => {
  test.each(['json', 'text'])('asked for %s is asked for all it knows, wherever the form says so and however large it is, and its caller gets what it wants', async (format) => {
    for (const [where, fields] of Object.entries(forms)) {
      if (where === 'nowhere' && format === 'text') continue
      for (const fileBytes of [100, 1_500_000]) {
        const { sent, answer, given } = await ask(place, fields.map(([name = '', value = '']) => [name, name === 'response_format' ? format : value]), { fileBytes })
        expect(sent, where).toEqual({ model: places[place][2], response_format: 'verbose_json', file: fileBytes })
        expect(answer.units).toEqual({ audioMs: 61_500 })
        if (format === 'text') expect(given).toBe('Hello\n')
        else expect(JSON.parse(given)).toEqual({ text: 'Hello', x_groq: { id: 'req_1' } })
      }
    }
  })

  test('is asked for all it knows where the form says nothing of the format, or says it in a file', async () => {
    expect((await ask(place, [['model', 'm'], ['response_format', ''], ['file', '']])).sent).toMatchObject({ response_format: 'verbose_json' })
    const request = await transcription([['model', 'm'], ['response_format as a file', 'json'], ['file', '']])
    const sent: Buffer[] = []
    await request.reachable?.([targetAt(place)])
    await request.send(targetAt(place), async ({ body }) => {
      for await (const piece of body) sent.push(Buffer.from(piece))
      return { status: 200, headers: {}, body: Readable.from([]) }
    }, new AbortController().signal)
    expect(Buffer.concat(sent).toString()).toMatch(/name="response_format"\r\n\r\nverbose_json\r\n/)
    expect(Buffer.concat(sent).toString()).toMatch(/name="response_format"; filename="a\.mp3"\r\n\r\njson\r\n/)
  })

  test.each(['verbose_json', 'srt', 'vtt'])('asked for %s is asked for that', async (format) => {
    const { sent, given } = await ask(place, [['model', 'm'], ['response_format', format], ['file', '']])
    expect(sent).toMatchObject({ response_format: format })
    expect(JSON.parse(given)).toEqual(VERBOSE)
  })
})

test.each<[Place, { isTimed?: boolean }]>([['openai', {}], ['own', {}], ['azure', { isTimed: false }], ['groq', { isTimed: false }]])('%s, %j, is asked for no more than the caller wants', async (place, options) => {
  const json = await ask(place, [['model', 'm'], ['response_format', 'json'], ['file', '']], options)
  expect(json.sent).toMatchObject({ response_format: 'json' })
  expect(JSON.parse(json.given)).toEqual(VERBOSE)
  expect((await ask(place, [['file', ''], ['model', 'm']], options)).sent).not.toHaveProperty('response_format')
})

test.each(['groq', 'azure', 'openai'] as const)('a translation by whisper at %s, priced by the hour, is asked for as one that tells how long the sound was, unless it is of subtitles', async (place) => {
  for (const format of ['json', 'text', undefined]) {
    const { sent, answer, given } = await ask(place, [['model', 'm'], ['file', ''], ...format ? [['response_format', format]] as const : []], { operation: audioTranslations, fileBytes: 1_500_000 })
    expect(sent).toEqual({ model: places[place][2], response_format: 'verbose_json', file: 1_500_000 })
    expect(answer.units).toEqual({ audioMs: 61_500 })
    if (format === 'text') expect(given).toBe('Hello\n')
    else expect(JSON.parse(given)).toEqual({ text: 'Hello', x_groq: { id: 'req_1' } })
  }
  for (const format of ['verbose_json', 'srt', 'vtt']) expect((await ask(place, [['model', 'm'], ['response_format', format], ['file', '']], { operation: audioTranslations })).sent).toMatchObject({ response_format: format })
})

test.each<[Place, { isTimed?: boolean }]>([['own', {}], ['openai', { isTimed: false }]])('a translation at %s, %j, is asked for no more than the caller wants', async (place, options) => {
  expect((await ask(place, [['file', ''], ['model', 'm']], { ...options, operation: audioTranslations })).sent).not.toHaveProperty('response_format')
})

describe('voices to know speakers by', () => {
  const voice = `data:audio/wav;base64,${'A'.repeat(400_000)}`
  const voices = [['known_speaker_names[]', 'Ann'], ['known_speaker_references[]', voice], ['known_speaker_names[]', 'Ben'], ['known_speaker_references[]', voice]] as const
  const forms = { 'before the file': [['model', 'm'], ...voices, ['file', '']], 'behind it': [['model', 'm'], ['file', ''], ...voices] } as const

  test.each(Object.entries(forms))('are held for as sound, wherever they stand (%s) and however large the form is', async (_, fields) => {
    for (const fileBytes of [1_000, 1_500_000]) {
      const plain = (await transcription(fields.filter(([name]) => name !== 'known_speaker_references[]'), fileBytes)).bound(targetAt('own'))
      const { inputTokens, units } = (await transcription(fields, fileBytes)).bound(targetAt('own'))
      // 300,000 bytes of sound each, at the 50 bytes that a token has at the least; as its base64 at most, where they follow a file that has not ended yet.
      const heard = 2 * 300_000 / 50
      expect(inputTokens - plain.inputTokens).toBeGreaterThanOrEqual(heard)
      expect(inputTokens - plain.inputTokens).toBeLessThan(2 * 400_000 / 50 + 1_000)
      expect(Number(units?.audioMs) - Number(plain.units?.audioMs)).toBeGreaterThanOrEqual(heard * 100)
    }
  })

  test('count, where nobody tells, for no longer than a voice may be', async () => {
    const counted = await (await transcription(forms['before the file'], 160_000)).countInput()
    // Ten tokens a second: of the file ten seconds, of each voice ten at most.
    expect(counted).toBe(100 + 2 * 100)
    const brief = [['model', 'm'], ['known_speaker_references', `data:audio/mp3;base64,${'A'.repeat(64_000)}`], ['file', '']] as const
    expect(await (await transcription(brief, 160_000)).countInput()).toBe(100 + 31)
  })

  test('are no part of a translation', async () => {
    await expect(transcription(forms['before the file'], 1_000, audioTranslations)).rejects.toMatchObject({ code: 'invalid_request', param: 'known_speaker_references[]' })
  })
})
